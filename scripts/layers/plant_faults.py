"""Runs one model with planted faults, for scripts/layers/faults.mjs, which prints how many of them are named.

    python scripts/layers/plant_faults.py FOLDER tiny            # a small model with random weights
    python scripts/layers/plant_faults.py FOLDER GGUF_FILE       # a real one; needs transformers, gguf, accelerate

    --texts A   the texts to read, A or B. Thresholds may be chosen on A; what is reported must come from B.
    --tokens 9  of each text: the first position counts for nothing, so 9 are 8.
    --dtype     bf16 or fp16: the precision of the floor and the dump.
    --only      names of faults: those that contain this text.
    --checkpoint writes the weights, too: FOLDER/model.safetensors.
    --share     of the faults, of each kind: 0.2 for a short run.

Golden: float32. Floor and dump: the dtype, in one of several ways to round, never the same of both. Writes one JSON line
for each run, and waits for a line before the next one.
"""

import argparse
import copy
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/collect"))

import torch
from collect import Collector, decode
from faults import Site, attend, faults
from tiny_model import TinyModel
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("model")
parser.add_argument("--texts", choices=["A", "B"], default="A")
parser.add_argument("--tokens", type=int, default=9)
parser.add_argument("--dtype", choices=["bf16", "fp16"], default="bf16")
parser.add_argument("--only", default="")
parser.add_argument("--checkpoint", action="store_true")
parser.add_argument("--share", type=float, default=1)

TEXTS = {
    "A": [
        "The river that runs past the old mill freezes every winter, and the children skate on it until the ice breaks",
        "To sort a list of numbers, pick a pivot, put the smaller numbers before it and the larger ones behind it, then",
        "She opened the letter, read it twice, and put it back into the drawer without a word to anyone in the house",
        "Water boils at a lower temperature on a mountain because the pressure of the air is lower there than at the sea",
        "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)",
        "Die Katze schläft auf dem warmen Fensterbrett, während der Regen an die Scheiben schlägt und der Wind um das Haus",
        "In 1905 a clerk at a patent office published four papers, one of which explained why light comes in small parts",
        "Ingredients: two eggs, a cup of flour, a pinch of salt. Beat the eggs, then add the flour and stir until smooth",
        "The committee will meet on Thursday at ten o'clock in the main hall to decide whether the bridge can be repaired",
        "If x is even then x squared is even, because x can be written as two times some number, and the square of that",
    ],
    "B": [
        "Bees tell each other where the flowers are by a dance whose angle gives the direction and whose length gives the way",
        "SELECT name, count(*) FROM orders JOIN customers ON orders.customer = customers.id GROUP BY name ORDER BY 2 DESC",
        "My grandmother kept her recipes in a blue tin box, and nobody was allowed to touch it while she was in the kitchen",
        "Le train de nuit partait à onze heures, et les voyageurs attendaient sur le quai avec leurs valises et leurs enfants",
        "1. Turn off the power. 2. Remove the four screws at the back. 3. Lift the cover and disconnect the ribbon cable.",
        "The moon has no air, so a footprint that was left there fifty years ago looks as it did on the day it was made",
        '{"name": "sensor-17", "status": "ok", "values": [12.5, 13.1, 12.9], "updated": "2024-05-11T08:30:00Z"}',
        "Question: why do leaves change their colour in autumn? Answer: because the green pigment breaks down first, and",
        "Shares of the company fell by nine percent on Monday after it said that sales in the first quarter would be lower",
        "Once upon a time there was a fox who wanted to learn to swim, but every pond he found was frozen or full of reeds",
    ],
}
SEEDS = {"A": 20260301, "B": 977}


def load(name, texts, tokens, seed):
    if name == "tiny":
        generator = torch.Generator().manual_seed(seed)
        return TinyModel(layers=12, width=128, heads=4), [torch.randint(256, (1, tokens), generator=generator) for _ in texts]
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.models.llama import modeling_llama

    folder, file = str(Path(name).parent), Path(name).name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager")
    modeling_llama.eager_attention_forward = attend
    ids = [tokenizer(text, return_tensors="pt").input_ids[:, :tokens] for text in texts]
    short = [text for text, row in zip(texts, ids) if row.shape[1] < tokens]
    if short:
        raise ValueError(f"this text has fewer than {tokens} tokens: {short[0]}")
    return model.eval(), ids


class Roundings:
    """The ways to compute in a low precision, and the models that do."""

    def __init__(self, golden, dtype, is_real):
        self.golden, self.dtype, self.is_real = golden, dtype, is_real
        self.native = copy.deepcopy(golden).to(dtype)
        self.simulated = copy.deepcopy(golden)
        with torch.no_grad():
            for p in self.simulated.parameters():
                p.copy_(p.to(dtype).float())
        self.generator = None
        self.halves = False
        for module in self.simulated.modules():
            if module is not self.simulated:
                module.register_forward_hook(self.round_output)
        self.kinds = ["native", "nearest", "random", "partial sums"]
        # Faults of attention are planted in the eager one.
        self.honest_kinds = [*self.kinds, "random", *(["sdpa, 2 threads"] if is_real else [])]

    def use(self, kind, seed):
        """The model, and how a weight is cast for it."""
        torch.set_num_threads(2 if "2 threads" in kind else 1)
        if self.is_real:
            self.native.set_attn_implementation("sdpa" if "sdpa" in kind else "eager")
        if kind == "native" or "sdpa" in kind:
            return self.native, lambda weight: weight.to(self.dtype)
        self.generator = torch.Generator().manual_seed(seed) if kind == "random" else None
        self.halves = kind == "partial sums"
        return self.simulated, lambda weight: weight.to(self.dtype).float()

    def rounded(self, x):
        """To the dtype, to nearest, or at random in proportion to the distance."""
        if self.generator is None:
            return x.to(self.dtype).float()
        dropped = 16 if self.dtype is torch.bfloat16 else 13
        bits = x.contiguous().view(torch.int32)
        noise = torch.randint(0, 1 << dropped, bits.shape, generator=self.generator, dtype=torch.int32)
        return ((bits + noise) & -(1 << dropped)).view(torch.float32).to(self.dtype).float()

    def round_output(self, module, args, output):
        if self.halves and type(module) is nn.Linear:
            # As two devices would, of which each holds half of the inputs.
            half = module.in_features // 2
            parts = [args[0][..., :half] @ module.weight[:, :half].T, args[0][..., half:] @ module.weight[:, half:].T]
            return self.rounded(self.rounded(parts[0]) + self.rounded(parts[1]))
        if isinstance(output, torch.Tensor):
            return self.rounded(output) if output.is_floating_point() else output
        if isinstance(output, tuple):
            return tuple(self.rounded(x) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in output)
        return output


def jobs_of(model, is_real, kinds, honest_kinds, only, share, seed, texts):
    config = model.config if is_real else None
    heads = (config.num_attention_heads, config.num_key_value_heads) if is_real else (4, 4)
    size = config.hidden_size // heads[0] if is_real else 32
    layers = model.model.layers if is_real else model.layers
    jobs = []
    for n, fault in enumerate(faults(len(layers), is_real, heads, size)):
        jobs.append((fault, n % texts, kinds[n % len(kinds)], seed + n))
    chance = random.Random(seed)
    jobs = [job for job in jobs if only in job[0].name and chance.random() < share]
    if not only or only in "honest":
        jobs += [(None, text, kind, seed + 7919 * (text + 1) + k) for text in range(texts) for k, kind in enumerate(honest_kinds)]
    # A run that is stopped early has tried some of each.
    chance.shuffle(jobs)
    return jobs


def main():
    options = parser.parse_args()
    texts, seed = TEXTS[options.texts], SEEDS[options.texts]
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[options.dtype]
    torch.manual_seed(seed)
    golden, prompts = load(options.model, texts, options.tokens, seed)
    is_real = options.model != "tiny"

    def run(name, model, prompt, **facts):
        # Without a cache, the second token has as many positions as the first.
        with Collector(model, options.folder / name, layers="all"):
            decode(model, prompts[prompt], 2 if is_real else 1, forced=forced[prompt])
        print(json.dumps({"path": name, **facts}), flush=True)
        sys.stdin.readline()

    if options.checkpoint:
        from safetensors.torch import save_file

        save_file({name: p.detach().contiguous() for name, p in golden.named_parameters()}, options.folder / "model.safetensors")
    roundings = Roundings(golden, dtype, is_real)
    torch.set_num_threads(1)
    forced = [decode(golden, prompt, 1) for prompt in prompts]
    for prompt in range(len(prompts)):
        run(f"golden{prompt}", golden, prompt, role="golden")
        for k, kind in enumerate(("native", "random")):
            run(f"floor{prompt}-{k}", roundings.use(kind, seed - 1 - prompt)[0], prompt, role="floor")
    jobs = jobs_of(golden, is_real, roundings.kinds, roundings.honest_kinds, options.only, options.share, seed, len(prompts))
    print(json.dumps({"role": "plan", "runs": len(jobs)}), flush=True)
    sys.stdin.readline()
    for n, (fault, prompt, kind, run_seed) in enumerate(jobs):
        model, cast = roundings.use(kind, run_seed)
        site = Site(model, golden, cast)
        site.layer = lambda i: ("model." if is_real else "") + f"layers.{i}"
        if fault:
            fault.plant(site)
        facts = {"fault": fault.name, "group": fault.group, "expected": fault.expected} if fault else {"fault": "honest", "group": "honest"}
        # The floor is rounded in another way than the dump.
        floor = f"floor{prompt}-{1 if kind == 'native' or 'sdpa' in kind else n % 2}"
        run(f"test{n}", model, prompt, role="test", golden=f"golden{prompt}", floor=floor, rounding=kind, **facts)
        site.remove()


main()
