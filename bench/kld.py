"""A straightforward NumPy reading of two .kld files, for bench/kld.mjs: the KL divergence of every row, one row at a time.

python3 bench/kld.py version | GOLDEN DUMP
"""

import json
import resource
import struct
import sys
import time

import numpy as np

if sys.argv[1] == "version":
    print(f"NumPy {np.__version__}")
    sys.exit()


def rows_of(path):
    data = np.memmap(path, np.uint8, "r")
    context, vocab, chunks = struct.unpack("<3i", data[8:20].tobytes())
    width = 2 * ((vocab + 1) // 2) + 4
    start = 20 + 4 * context * chunks
    return data[start:].view("<u2").reshape(-1, width), vocab


started, cpu = time.perf_counter(), time.process_time()
(golden, vocab), (dump, _) = rows_of(sys.argv[1]), rows_of(sys.argv[2])
total = 0.0
for g, d in zip(golden, dump):
    logs = [row[:2].view("<f4").astype(np.float64) * row[4 : 4 + vocab] + row[2:4].view("<f4") for row in (g, d)]
    p, q = (np.exp(log) for log in logs)
    # Of rounded rows, neither sums to 1.
    total += (p * (logs[0] - logs[1]) - p + q).sum()
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"rows": len(golden), "seconds": seconds, "cpu": cpu, "meanKl": total / len(golden), "mb": mb}))
