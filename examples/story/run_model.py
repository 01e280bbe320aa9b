"""Runs one model three times, and collects what story.mjs compares.

    python run_model.py OUT                         the last logits of every token, of a small model with random weights
    python run_model.py OUT --layers 3              every layer at token 3, of the same text
    python run_model.py OUT --model FILE.gguf       the same of SmolLM2 (needs transformers, gguf, accelerate)

golden    float32
accepted  bfloat16: an honest build, and the floor of the comparison of layers
new       bfloat16 with a fault of a kind that engines have: for texts longer than the prompt and two tokens, another
          kernel runs, and in one layer it returns the attention heads in another order. The first three tokens are right.
"""

import argparse
import copy
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "collect"))

import torch
from collect import Collector, decode, deterministic
from tiny_model import TinyModel

STEPS = 8
PROMPT = "The river that runs past the old mill freezes every winter, and the children skate on it until"


def load(file):
    if file is None:
        torch.set_num_threads(1)
        return TinyModel(layers=12, width=128, heads=4), torch.randint(256, (24,)).tolist(), 4
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, name = str(Path(file).parent), Path(file).name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    return model.eval(), tokenizer(PROMPT).input_ids, model.config.num_attention_heads


def layers_of(model):
    """The module list of decoder layers, and its name."""
    return next((name, module) for name, module in model.named_modules() if name.endswith("layers"))


def plant_fault(model, heads, longest):
    """Shifts the attention heads of one layer, a third up, if the text has more than `longest` positions."""
    name, layers = layers_of(model)
    index = len(layers) // 3
    length = 0

    def count(module, args, kwargs):
        nonlocal length
        past = kwargs.get("past_key_values")
        length = args[0].shape[-1] + (past.get_seq_length() if past is not None else 0)

    def shift(module, args):
        return (args[0].roll(args[0].shape[-1] // heads, dims=-1),) if length > longest else None

    model.register_forward_pre_hook(count, with_kwargs=True)
    layers[index].self_attn.o_proj.register_forward_pre_hook(shift)
    return f"root.{name}.{index}.self_attn"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--layers", type=int, metavar="TOKEN")
    options = parser.parse_args()
    deterministic(seed=0)
    golden, prompt, heads = load(options.model)
    accepted = copy.deepcopy(golden).bfloat16()
    faulty = copy.deepcopy(accepted)
    fault = plant_fault(faulty, heads, len(prompt) + 2)
    builds = {"golden": golden, "accepted": accepted, "new": faulty}
    ids = None
    for name, model in builds.items():
        if options.layers is None:
            with Collector(model, options.out / "logits" / name):
                chosen = decode(model, prompt, STEPS, forced=ids)
        else:
            steps = options.layers + 1
            ids = json.loads((options.out / "ids.json").read_text())
            with Collector(model, options.out / "layers" / name, layers="all", tokens=[options.layers]):
                decode(model, prompt, steps, forced=ids, cache=False)
        ids = ids or chosen
    (options.out / "ids.json").write_text(json.dumps(ids))
    (options.out / "fault.txt").write_text(fault)


main()
