"""Writes dumps of all layers of one small transformer, as several engines would leave them, for layer-dumps.test.ts.

    python layer_dumps.py FOLDER

- `torch`, `torch-bf16`: real modules, by the collector of examples/collect, from tiny_model.py
- `llama…`: a model with grouped heads, computed function by function, sharded over 1, 2 or 4 ranks, with fused projections
  or without, in the torch layout and as operations of ATB. The row-parallel projections hold partial sums, as before the
  all-reduce; what follows it is equal on all ranks.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/collect"))

import torch
from collect import Collector, decode, deterministic
from tiny_model import TinyModel

OUT = Path(sys.argv[1])
RUN = "msit_dump_20260301_101500"
PROMPT = [3, 141, 59, 26, 53, 58, 97, 93, 23, 84, 62, 64]
LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, INNER, VOCABULARY = 3, 64, 8, 2, 8, 96, 160


def weights(seed=7):
    generator = torch.Generator().manual_seed(seed)

    def matrix(rows, columns):
        return torch.randn(rows, columns, generator=generator) * columns**-0.5

    w = {"embed_tokens": torch.randn(VOCABULARY, WIDTH, generator=generator), "lm_head": matrix(VOCABULARY, WIDTH)}
    for i in range(LAYERS):
        w[f"{i}.q"], w[f"{i}.k"] = matrix(HEADS * HEAD, WIDTH), matrix(KV_HEADS * HEAD, WIDTH)
        w[f"{i}.v"], w[f"{i}.o"] = matrix(KV_HEADS * HEAD, WIDTH), matrix(WIDTH, HEADS * HEAD)
        w[f"{i}.gate"], w[f"{i}.up"] = matrix(INNER, WIDTH), matrix(INNER, WIDTH)
        w[f"{i}.down"] = matrix(WIDTH, INNER)
    return w


def norm(x):
    return (x.float() * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def rotated(x):
    """[positions, heads, HEAD] with rotary positions."""
    angles = torch.arange(x.shape[0])[:, None] * 10000.0 ** (-torch.arange(HEAD // 2) * 2 / HEAD)
    cos, sin = (f(angles)[:, None, :].to(x.dtype) for f in (torch.cos, torch.sin))
    a, b = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attention(q, k, v):
    positions = q.shape[0]
    q, k, v = (x.view(positions, -1, HEAD) for x in (q, k, v))
    q, k = rotated(q), rotated(k)
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) * HEAD**-0.5
    scores = scores.masked_fill(~torch.ones(positions, positions, dtype=torch.bool).tril(), float("-inf"))
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).reshape(positions, -1)


def run(w, dtype, ranks=1, fault=None):
    """What each rank computes: a list of {name: (type, inputs, output)} in the order in which the modules end."""
    w = {name: tensor.to(dtype) for name, tensor in w.items()}
    seen = [{} for _ in range(ranks)]

    def note(rank, name, kind, inputs, output):
        seen[rank][name] = (kind, [x.clone() for x in inputs], output.clone())
        return output

    def rows(matrix, rank, count=None):
        """The shard of a column-parallel matrix. With fewer heads than ranks, neighbouring ranks share one."""
        count = count or ranks
        size = matrix.shape[0] // min(count, ranks)
        start = rank * count // ranks if count < ranks else rank
        return matrix[start * size : (start + 1) * size]

    def columns(matrix, rank):
        size = matrix.shape[1] // ranks
        return matrix[:, rank * size : (rank + 1) * size]

    every = range(ranks)
    ids = torch.tensor(PROMPT)
    x = w["embed_tokens"][ids]
    for r in every:
        note(r, "model.embed_tokens", "Embedding", [ids], x)
    for i in range(LAYERS):
        at, entered = f"model.layers.{i}.", x
        h = norm(x)
        for r in every:
            note(r, at + "input_layernorm", "RMSNorm", [x], h)
        partial = []
        for r in every:
            q, k, v = (h @ rows(w[f"{i}.{p}"], r, KV_HEADS if p != "q" and ranks > KV_HEADS else None).T for p in "qkv")
            if fault == f"{i}.k":
                k = k * 1.3
            for p, y in zip("qkv", (q, k, v)):
                note(r, f"{at}self_attn.{p}_proj", "Linear", [h], y)
            core = attention(q, k, v)
            partial.append(note(r, at + "self_attn.o_proj", "Linear", [core], core @ columns(w[f"{i}.o"], r).T))
        attended = sum(p.float() for p in partial).to(dtype)
        x = x + attended
        h2 = norm(x)
        for r in every:
            note(r, at + "self_attn", "Attention", [h], attended)
            note(r, at + "post_attention_layernorm", "RMSNorm", [x], h2)
        partial = []
        for r in every:
            gate, up = (note(r, f"{at}mlp.{p}_proj", "Linear", [h2], h2 @ rows(w[f"{i}.{p}"], r).T) for p in ("gate", "up"))
            active = note(r, at + "mlp.act_fn", "SiLU", [gate], torch.nn.functional.silu(gate))
            inner = active * up
            partial.append(note(r, at + "mlp.down_proj", "Linear", [inner], inner @ columns(w[f"{i}.down"], r).T))
        fed = sum(p.float() for p in partial).to(dtype)
        after = x
        x = x + fed
        for r in every:
            note(r, at + "mlp", "MLP", [h2], fed)
            note(r, at[:-1], "DecoderLayer", [entered], x)
            seen[r][at + "after attention"] = ("", [], after)
    h = norm(x)
    for r in every:
        note(r, "model.norm", "RMSNorm", [x], h)
        note(r, "lm_head", "Linear", [h], h @ rows(w["lm_head"], r).T)
    return seen


def fused(seen, interleaved=False):
    """The same run by an engine that fuses q, k, v and gate, up. `interleaved`: `[q k v]` head by head of the keys."""
    ranks = []
    for rank in seen:
        modules = {}
        for name, (kind, inputs, output) in rank.items():
            if name.endswith(("q_proj", "k_proj", "gate_proj")):
                continue
            if name.endswith("v_proj"):
                parts = [rank[name[:-6] + p][2] for p in ("q_proj", "k_proj", "v_proj")]
                name = name[:-6] + "qkv_proj"
                if interleaved:
                    groups = parts[1].shape[-1] // HEAD
                    parts = [torch.cat(part, -1) for part in zip(*(p.chunk(groups, -1) for p in parts))]
                output = torch.cat(parts, -1)
            if name.endswith("up_proj"):
                output = torch.cat([rank[name[:-7] + "gate_proj"][2], output], -1)
                name = name[:-7] + "gate_up_proj"
            modules[name] = (kind, inputs, output)
        ranks.append(modules)
    return ranks


def as_vllm(seen):
    """The same run by an engine whose norms add: layers and norms return hidden states and the residual, and the activation
    multiplies."""
    ranks = []
    for rank in fused(seen):
        modules, stream = {}, None
        for name, (kind, inputs, output) in rank.items():
            if name.endswith("input_layernorm") or name == "model.norm":
                output = [output, inputs[0]] if stream is not None else output
            if name.endswith("post_attention_layernorm"):
                output, stream = [output, inputs[0]], inputs[0]
            if kind == "SiLU":
                kind, output = "SiluAndMul", rank[name.replace("act_fn", "down_proj")][1][0]
            if kind == "DecoderLayer":
                output = [rank[f"{name}.mlp"][2], stream]
            modules[name] = (kind, inputs, output)
        ranks.append(modules)
    return ranks


def write_torch(folder, seen, batch=True):
    for r, modules in enumerate(seen):
        device = OUT / folder / RUN / "torch_tensors" / f"cuda{r}_{100 + r}"
        children = []
        for place, (name, (kind, inputs, output)) in enumerate((n, m) for n, m in modules.items() if m[0]):
            target = device / "0" / f"root.{name}"
            target.mkdir(parents=True)
            for n, tensor in enumerate(output if isinstance(output, list) else [output]):
                file = f"output_{n}.pth" if isinstance(output, list) else "output.pth"
                torch.save(tensor[None] if batch else tensor, target / file)
            for n, tensor in enumerate(inputs):
                torch.save(tensor[None] if batch else tensor, target / f"input_{n}.pth")
            children.append({"name": f"root.{name}", "type": kind, "order": [place], "children": []})
        (device / "model_tree.json").write_text(json.dumps({"name": "root", "type": "Model", "children": children}))


ATB_DTYPES = {torch.float32: 0, torch.float16: 1, torch.int64: 9, torch.bfloat16: 27}


def write_bin(path, tensor):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = tensor.contiguous().view(torch.uint8).numpy().tobytes()
    dims = ",".join(map(str, tensor.shape))
    header = f"$Version=1.0\n$Object.Count=1\n$Object.Length={len(data)}\nformat=2\ndtype={ATB_DTYPES[tensor.dtype]}\n"
    path.write_bytes(f"{header}dims={dims}\n$Object.data=0,{len(data)}\n$End=1\n".encode() + data)


def write_atb(folder, seen, packed=True):
    """The operations of an ATB model with this structure; each reads its weights, too. `packed`: q, k, v in one product."""
    for r, modules in enumerate(seen):
        execution = OUT / folder / RUN / "tensors" / f"{r}_{200 + r}" / "0"

        def write(path, inputs, output):
            outputs = output if isinstance(output, list) else [output]
            for n, tensor in enumerate(outputs):
                write_bin(execution / path / "after" / f"outtensor{n}.bin", tensor)
            for n, tensor in enumerate([*inputs, torch.ones(3)]):
                write_bin(execution / path / "before" / f"intensor{n}.bin", tensor)

        def module(path, name):
            write(path, *modules[name][1:])

        module("0_WordEmbedding", "model.embed_tokens")
        for i in range(LAYERS):
            at, layer = f"model.layers.{i}.", f"{i + 1}_DecoderLayer"
            q, k, v = (modules[f"{at}self_attn.{p}_proj"] for p in "qkv")
            attention, split = f"{layer}/0_Attention", f"{layer}/0_Attention/0_QKVLinearSplit"
            module(f"{split}/0_NormLinear/0_RmsNormOperation", at + "input_layernorm")
            if packed:
                qkv = torch.cat([q[2], k[2], v[2]], -1)
                write(f"{split}/0_NormLinear/1_LinearOperation", q[1], qkv)
                write(f"{split}/1_SplitOperation", [qkv], [q[2], k[2], v[2]])
            else:
                for n, (_, inputs, output) in enumerate((q, k, v)):
                    write(f"{split}/{n}_NormLinear/1_LinearOperation", inputs, output)
            [core], projected = modules[at + "self_attn.o_proj"][1:]
            positions = core.shape[0]
            rope = [rotated(x[2].view(positions, -1, HEAD)).reshape(positions, -1) for x in (q, k)]
            write(f"{attention}/1_RopeOperation", [q[2], k[2]], rope)
            write(f"{attention}/2_SelfAttentionOperation", [*rope, v[2]], core)
            write(f"{attention}/3_LinearParallel/0_LinearOperation", [core], projected)
            attended = modules[at + "self_attn"][2]
            write(f"{attention}/3_LinearParallel/1_AllReduceOperation", [projected], attended)
            module(attention, at + "self_attn")
            after = modules[at + "after attention"][2]
            write(f"{layer}/1_ElewiseOperation", [attended], after)
            mlp = f"{layer}/2_Mlp"
            module(f"{mlp}/0_RmsNormOperation", at + "post_attention_layernorm")
            gate, up = (modules[f"{at}mlp.{p}_proj"] for p in ("gate", "up"))
            if packed:
                write(f"{mlp}/1_LinearOperation", gate[1], torch.cat([gate[2], up[2]], -1))
            else:
                module(f"{mlp}/1_LinearOperation", at + "mlp.gate_proj")
                module(f"{mlp}/2_LinearOperation", at + "mlp.up_proj")
            module(f"{mlp}/3_ActivationOperation", at + "mlp.act_fn")
            write(f"{mlp}/4_ElewiseOperation", [modules[at + "mlp.act_fn"][2]], modules[at + "mlp.down_proj"][1][0])
            module(f"{mlp}/5_LinearOperation", at + "mlp.down_proj")
            module(mlp, at + "mlp")
            module(layer, at[:-1])
        module(f"{LAYERS + 1}_RmsNormOperation", "model.norm")
        module(f"{LAYERS + 2}_LmHead", "lm_head")


deterministic(seed=1)
for name, model in (("torch", TinyModel()), ("torch-bf16", TinyModel().bfloat16())):
    with Collector(model, OUT / name, layers="all", tokens=[0], run="20260301_101500"):
        decode(model, PROMPT, 1)

w, bf16 = weights(), torch.bfloat16
with torch.no_grad():
    golden = run(w, torch.float32)
    write_torch("llama", golden)
    write_torch("llama-fused", fused(golden))
    write_torch("llama-interleaved", fused(golden, interleaved=True))
    write_atb("llama-atb", golden)
    for ranks in (1, 2, 4):
        seen = run(w, bf16, ranks)
        write_torch(f"llama-{ranks}", seen)
        write_torch(f"llama-{ranks}-fused", fused(seen))
        write_torch(f"llama-{ranks}-vllm", as_vllm(seen))
        write_atb(f"llama-{ranks}-atb", seen, packed=ranks != 2)
    write_torch("llama-2-interleaved", fused(run(w, bf16, 2), interleaved=True))
    faulty = run(w, bf16, 2, fault="1.k")
    write_torch("llama-2-faulty", faulty)
    write_torch("llama-2-fused-faulty", fused(faulty))
    write_torch("llama-2-vllm-faulty", as_vllm(faulty))
    write_atb("llama-2-atb-faulty", faulty)
print(json.dumps({"torch": torch.__version__}))
