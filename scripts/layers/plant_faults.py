"""Runs one model with planted faults, for scripts/layers/faults.mjs, which prints how many of them are named.

    python scripts/layers/plant_faults.py FOLDER tiny            # a small model with random weights
    python scripts/layers/plant_faults.py FOLDER GGUF_FILE       # a real one; needs transformers, gguf, accelerate

Golden: float32. Floor: the same model in bfloat16. Dump: float32 weights that were rounded to bfloat16, and every module's
output rounded to bfloat16, by another rounding than the floor's: the two never have the same errors. Writes one JSON line
for each run, and waits for a line before the next one.
"""

import copy
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/collect"))

import torch
from collect import Collector, decode
from tiny_model import TinyModel

OUT, MODEL = Path(sys.argv[1]), sys.argv[2]
SEED = 20260301
TEXTS = [
    "The river that runs past the old mill freezes every winter, and the children skate on it",
    "To sort a list of numbers, pick a pivot, put the smaller numbers before it and the larger ones behind",
    "She opened the letter, read it twice, and put it back into the drawer without a word to",
    "Water boils at a lower temperature on a mountain because the pressure of the air is",
    "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return",
    "Die Katze schläft auf dem warmen Fensterbrett, während der Regen an die Scheiben",
    "In 1905 a clerk at a patent office published four papers, one of which explained why",
    "Ingredients: two eggs, a cup of flour, a pinch of salt. Beat the eggs, then add",
    "The committee will meet on Thursday at ten o'clock in the main hall to decide whether",
    "If x is even then x squared is even, because x can be written as two times some",
]
torch.manual_seed(SEED)
torch.set_num_threads(1)


def load():
    if MODEL == "tiny":
        generator = torch.Generator().manual_seed(SEED)
        prompts = [torch.randint(256, (1, 24), generator=generator) for _ in TEXTS]
        return TinyModel(layers=12, width=128, heads=4), prompts
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = str(Path(MODEL).parent), Path(MODEL).name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager")
    return model.eval(), [tokenizer(text, return_tensors="pt").input_ids for text in TEXTS]


def rounded(x, generator):
    """To bfloat16, to nearest, or at random in proportion to the distance."""
    if generator is None:
        return x.bfloat16().float()
    bits = x.contiguous().view(torch.int32)
    noise = torch.randint(0, 1 << 16, bits.shape, generator=generator, dtype=torch.int32)
    return ((bits + noise) & ~0xFFFF).view(torch.float32)


def simulated(model, seed):
    """A copy that computes in float32 and rounds weights and outputs to bfloat16."""
    model = copy.deepcopy(model)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.bfloat16().float())

    def hook(module, args, output):
        if isinstance(output, torch.Tensor):
            return rounded(output, generator) if output.is_floating_point() else output
        if isinstance(output, tuple):
            return tuple(rounded(x, generator) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in output)
        return output

    for module in model.modules():
        if module is not model:
            module.register_forward_hook(hook)
    return model


# Faults: (name, the modules it is planted in, how). Each returns the name of the module that is at fault.

PROJECTIONS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
PROJECTIONS += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]


def scale(factor):
    def plant(layers, i, part):
        layers[i].get_submodule(part).weight.data.mul_(factor)

    return plant


def int8(layers, i, part):
    weight = layers[i].get_submodule(part).weight.data
    step = weight.abs().amax(1, keepdim=True) / 127
    weight.copy_((weight / step).round() * step)


def heads_swapped(layers, i, part):
    weight = layers[i].get_submodule(part).weight.data
    weight.copy_(weight.roll(weight.shape[0] // 3, 0))


def other_layer(layers, i, part):
    layers[i].get_submodule(part).weight.data.copy_(layers[i + 1].get_submodule(part).weight.data)


def no_norm(layers, i, part):
    layers[i].get_submodule(part).weight.data.fill_(1)


def softmax_scale(layers, i, part):
    layers[i].self_attn.scaling *= 1.05


def mask(layers, i, part):
    """Hides the newest key but one from every query."""

    def hook(module, args, kwargs):
        seen = kwargs["attention_mask"]
        if seen is None or seen.shape[-2] < 2:
            return None
        length = seen.shape[-1]
        hidden = torch.diag(torch.ones(length - 1, dtype=torch.bool), -1)[-seen.shape[-2] :]
        return args, {**kwargs, "attention_mask": seen.masked_fill(hidden, torch.finfo(seen.dtype).min)}

    layers[i].self_attn.register_forward_pre_hook(hook, with_kwargs=True)


def faults(depth, is_real):
    places = [depth // 10, depth // 2, depth - 3]
    norms = ["input_layernorm", "post_attention_layernorm"]
    for i in places:
        for factor in (1.02, 1.05, 1.1):
            for part in [*PROJECTIONS, norms[0]]:
                yield f"scale {factor}", i, part, scale(factor)
        for part in PROJECTIONS:
            yield "int8 weights", i, part, int8
            yield "another layer's weights", i, part, other_layer
        for part in PROJECTIONS[:3]:
            yield "heads swapped", i, part, heads_swapped
        yield "softmax scale 1.05", i, "self_attn", softmax_scale
        if is_real:
            for part in norms:
                yield "norm without weight", i, part, no_norm
            yield "mask hides a key", i, "self_attn", mask


def layers_of(model):
    return model.model.layers if hasattr(model, "model") else model.layers


def main():
    model, prompts = load()
    is_real = MODEL != "tiny"
    prefix = "root.model.layers" if is_real else "root.layers"

    def run(name, model, ids, **facts):
        # Without a cache, the second token has as many positions as the first.
        steps = 2 if is_real else 1
        with Collector(model, OUT / name, layers="all"):
            decode(model, ids, steps, forced=forced[ids])
        print(json.dumps({"path": name, **facts}), flush=True)
        sys.stdin.readline()

    forced = {}
    bf16 = copy.deepcopy(model).bfloat16()
    for i, prompt in enumerate(prompts):
        forced[prompt] = decode(model, prompt, 1)
        run(f"golden{i}", model, prompt, role="golden")
        run(f"floor{i}", bf16, prompt, role="floor")
    jobs = [("honest", None, None, None, i, seed) for i in range(len(prompts)) for seed in (None, 1, 2, 3, 4, 5)]
    for n, fault in enumerate(faults(len(layers_of(model)), is_real)):
        jobs.append((*fault, n % len(prompts), n % 4 or None))
    # A run that is stopped early has tried some of each.
    random.Random(SEED).shuffle(jobs)
    for n, (fault, i, part, plant, prompt, seed) in enumerate(jobs):
        wrong = copy.deepcopy(model)
        if plant:
            plant(layers_of(wrong), i, part)
        expected = f"{prefix}.{i}.{part}" if plant else None
        run(f"test{n}", simulated(wrong, seed), prompts[prompt], role="test", prompt=prompt, fault=fault, expected=expected)


main()
