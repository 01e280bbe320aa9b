"""Collects the dumps that collect.test.ts reads, and prints what it expects of them as JSON.

    python collect.py FOLDER
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/collect"))

import serving
import torch
from collect import Collector, ReplayedGraph, decode, deterministic, forced_processor
from tiny_model import TinyModel
from torch import nn

OUT = Path(sys.argv[1])
PROMPT = [3, 141, 59, 26]


def message_of(error, body):
    try:
        body()
    except error as e:
        return str(e)
    return f"no {error.__name__}"


def collected(name, model, steps=6, forced=None, **options):
    deterministic(seed=5)
    with Collector(model, OUT / name, **options) as run:
        return run, decode(model, PROMPT, steps, forced=forced)


class Blind(nn.Module):
    """Computes as a replayed graph does: without calling its modules."""

    def __init__(self):
        super().__init__()
        self.lm_head = nn.Linear(4, 4)

    def forward(self, x):
        return x @ self.lm_head.weight


facts = {"torch": torch.__version__}
model = TinyModel()
_, ids = collected("first", model)
_, again = collected("second", TinyModel())
facts["ids"], facts["same ids"] = ids, ids == again
run, _ = collected("bf16", TinyModel().bfloat16(), forced=ids)
_, free = collected("bf16-free", TinyModel(seed=1), forced=None)
run, _ = collected("layers", TinyModel(), layers="all", tokens=[1, 2], rank=3, run="20260301_101500")
facts["layers"] = str(run.folder.relative_to(OUT))

# What a hook of our own sees at token 1, as the expected content of the files.
seen = {}
probe = TinyModel()
for name, module in probe.named_modules():
    module.register_forward_hook(lambda m, args, output, name=name: seen.update({name: (args[0], output)}))
with torch.no_grad():
    probe(torch.tensor([PROMPT + ids[:1]]))
facts["sums"] = {
    f"root.{name}": [x.double().sum().item() for x in seen[name]]
    for name in ("embed_tokens", "layers.1.self_attn.k_proj", "layers.3.mlp", "lm_head")
}
facts["order"] = [f"root.{name}" for name in seen if name]

def blind():
    with Collector(Blind(), OUT / "blind"):
        Blind()(torch.zeros(1, 4))
def blind_called():
    m = Blind()
    with Collector(m, OUT / "blind"):
        m(torch.zeros(1, 4))
facts["not called"] = message_of(ReplayedGraph, blind)
facts["no hook"] = message_of(ReplayedGraph, blind_called)
facts["compiled"] = message_of(ReplayedGraph, lambda: Collector(torch.compile(TinyModel()), OUT / "x"))
facts["script"] = message_of(ReplayedGraph, lambda: Collector(torch.jit.trace(TinyModel(), torch.tensor([PROMPT])), OUT / "x"))
facts["layers typo"] = message_of(ValueError, lambda: Collector(model, OUT / "x", layers="every"))
facts["module typo"] = message_of(ValueError, lambda: Collector(model, OUT / "x", layers=["root.head"]))
facts["no token"] = message_of(RuntimeError, lambda: collected("x", model, steps=2, tokens=[7]))
facts["few forced"] = message_of(ValueError, lambda: decode(model, PROMPT, 4, forced=[1]))

# Two ranks, each with one half of the vocabulary.
def half_of(rank):
    half = TinyModel()
    half.lm_head.weight = nn.Parameter(half.lm_head.weight.chunk(2)[rank].clone())
    return half


for rank in (0, 1):
    collected("ranks", half_of(rank), forced=ids, rank=rank, run="20260301_101500")

class Processor(nn.Module):
    """The module that makes logits of hidden states; as `next_token_logits` in SGLang."""

    def __init__(self, wrapped):
        super().__init__()
        self.wrapped = wrapped

    def forward(self, lm_head, hidden):
        logits = lm_head(hidden[0, -1:])
        return SimpleNamespace(next_token_logits=logits) if self.wrapped else logits


class Served(nn.Module):
    """A model as engines have it: its forward pass ends before the LM head."""

    def __init__(self, wrapped=False):
        super().__init__()
        tiny = TinyModel()
        self.lm_head, self.logits_processor = tiny.lm_head, Processor(wrapped)
        tiny.lm_head = nn.Identity()
        self.model = tiny

    def forward(self, ids):
        return self.model(ids)

    @torch.no_grad()
    def request(self, text):
        # SGLang calls `forward` itself, so that the hooks of the outermost module do not run.
        hidden = self.forward(text) if self.logits_processor.wrapped else self(text)
        return self.logits_processor(self.lm_head, hidden)


texts = [torch.tensor([PROMPT + ids[:n]]) for n in range(4)]
vllm = Served()
vllm.request(texts[0])
serving.start_logits(vllm, OUT / "vllm-logits")
serving.start_layers(vllm, OUT / "vllm-layers")
for text in texts:
    vllm.request(text)
serving.finish(vllm)
facts["again"] = message_of(FileExistsError, lambda: serving.start_logits(vllm, OUT / "vllm-logits"))
serving.start_layers(vllm, OUT / "vllm-none")
facts["no request"] = message_of(ReplayedGraph, lambda: serving.finish(vllm))

sglang = Served(wrapped=True)
logits_hook = serving.logits_hook({"directory": str(OUT / "sglang-logits"), "skip": 1})
sglang.logits_processor.register_forward_hook(logits_hook)
layers_hook = serving.layers_hook({"directory": str(OUT / "sglang-layers"), "passes": 4})
sglang.model.register_forward_hook(layers_hook)
for text in [texts[0], *texts]:
    sglang.request(text)
sglang.model(texts[0])

try:
    import transformers
except ImportError:
    facts["transformers"] = None
else:
    facts["transformers"] = transformers.__version__
    config = transformers.LlamaConfig(
        vocab_size=128, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(1)
    llama = transformers.LlamaForCausalLM(config).eval()
    prompt = torch.tensor([[5, 9, 2]])
    with Collector(llama, OUT / "generate", layers="all") as run:
        generated = llama.generate(prompt, max_new_tokens=4, do_sample=False)[0, 3:].tolist()
    with Collector(llama, OUT / "decode") as run:
        facts["decode"] = decode(llama, prompt, 4)
    with Collector(llama, OUT / "text", layers="all", tokens=[3]) as run:
        facts["text"] = decode(llama, prompt, 4, cache=False)
    llama.bfloat16()
    with Collector(llama, OUT / "forced") as run:
        forced = [forced_processor(generated, 3)]
        facts["forced"] = llama.generate(prompt, max_new_tokens=4, do_sample=False, logits_processor=forced)[0, 3:].tolist()
    facts["generated"] = generated

print(json.dumps(facts))
