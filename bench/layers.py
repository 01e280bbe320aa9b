"""Two dumps of all layers, and a straightforward comparison by PyTorch, for bench/layers.mjs.

python3 bench/layers.py version
python3 bench/layers.py write FOLDER LAYERS OPERATIONS POSITIONS WIDTH VOCAB
python3 bench/layers.py compare GOLDEN DUMP
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch

# Small tensors gain nothing by threads, and lose much beside another busy process.
torch.set_num_threads(1)

KINDS = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
         "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.act_fn", "mlp.down_proj"]


def write(folder, layers, operations, positions, width, vocab):
    generator = torch.Generator().manual_seed(1)
    names = [f"root.model.layers.{i}.{kind}" for i in range(layers) for kind in KINDS[:operations]] + ["root.lm_head"]
    tree = {"name": "root", "type": "Model", "children": [
        {"name": name, "type": "Linear", "order": [i], "children": []} for i, name in enumerate(names)]}
    paths = {}
    for side in ("golden", "dump"):
        run = Path(folder) / side / "msit_dump_20260301_101500" / "torch_tensors" / "cpu0_1"
        run.mkdir(parents=True)
        (run / "model_tree.json").write_text(json.dumps(tree))
        paths[side] = run / "0"
    for i, name in enumerate(names):
        for file, size in (("input_0.pth", width), ("output.pth", vocab if i == len(names) - 1 else width)):
            golden = torch.randn(1, positions, size, generator=generator)
            # The error of bfloat16 grows from layer to layer.
            noise = torch.randn(1, positions, size, generator=generator) * 0.002 * (1 + i / 100)
            for side, tensor in (("golden", golden), ("dump", (golden + golden.abs().mean() * noise).bfloat16())):
                (paths[side] / name).mkdir(parents=True, exist_ok=True)
                torch.save(tensor, paths[side] / name / file)


def compare(golden, dump):
    started, cpu = time.perf_counter(), time.process_time()
    layers = 0
    for folder in sorted(Path(golden).glob("*/torch_tensors/*/0/*")):
        other = next(Path(dump).glob(f"*/torch_tensors/*/0/{folder.name}"))
        for file in ("input_0.pth", "output.pth"):
            g, m = (torch.load(path / file, weights_only=True).float() for path in (folder, other))
            error = ((m - g).norm(dim=-1) / g.norm(dim=-1)).median()
            ratio = (m.norm(dim=-1) / g.norm(dim=-1)).median()
            cosine = torch.cosine_similarity(g, m, dim=-1).median()
            largest = (m - g).abs().max()
            float(error), float(ratio), float(cosine), float(largest)
        layers += 1
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"layers": layers, "seconds": seconds, "cpu": cpu, "mb": mb}))


if sys.argv[1] == "version":
    print(f"PyTorch {torch.__version__}")
elif sys.argv[1] == "write":
    write(sys.argv[2], *map(int, sys.argv[3:]))
else:
    compare(*sys.argv[2:])
