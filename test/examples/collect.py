"""Collects the dumps that collect.test.ts reads, and prints what it expects of them as JSON.

    python collect.py FOLDER
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/collect"))

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
    llama.bfloat16()
    with Collector(llama, OUT / "forced") as run:
        forced = [forced_processor(generated, 3)]
        facts["forced"] = llama.generate(prompt, max_new_tokens=4, do_sample=False, logits_processor=forced)[0, 3:].tolist()
    facts["generated"] = generated

print(json.dumps(facts))
