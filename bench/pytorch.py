"""The columns of a comparison in PyTorch, one tensor operation after another: the reference of bench/comparisons.mjs.

Usage: pytorch.py THREADS TOKENS GOLDEN_FOLDER DUMP_FOLDER     compares {i}/root.lm_head/output.pth with {i}/67_LmHead/...
       pytorch.py THREADS load FILE                           loads a file and takes the last row, twice; the second time counts
Prints one line of JSON. Measured with PyTorch 2.13.0 (CPU).
"""

import json
import resource
import sys
import time

import torch

DTYPES = {'0': torch.float32, '1': torch.float16, '27': torch.bfloat16}
EPSILON = 2.0**-23


def read_bin(path):
    with open(path, 'rb') as file:
        content = bytearray(file.read())
    end = content.index(b'$End=1\n') + 7
    header = dict(line.split('=', 1) for line in content[:end].decode().splitlines())
    dims = [int(size) for size in header['dims'].split(',')]
    return torch.frombuffer(content, dtype=DTYPES[header['dtype']], offset=end).reshape(dims)


def compare(golden_path, dump_path):
    golden = torch.load(golden_path, weights_only=True).float().flatten()
    dump = read_bin(dump_path).float().flatten()
    for row in (golden, dump):
        if not torch.isfinite(row).all():
            raise ValueError('not finite')
    cosine = torch.nn.functional.cosine_similarity(golden, dump, dim=0)
    kl = torch.nn.functional.kl_div(torch.log_softmax(dump, -1), torch.softmax(golden, -1), reduction='sum')
    counted = golden.abs() > EPSILON
    zero = torch.zeros_like(golden)
    absolute = torch.where(counted, (dump - golden).abs(), zero)
    relative = torch.where(counted, absolute / golden.abs(), zero)
    distance = torch.norm(dump - golden) / torch.norm(golden)
    numbers = [cosine, kl, relative.max(), relative.mean(), absolute.max(), absolute.mean(), distance]
    for row in (golden, dump):
        numbers += [row.max(), row.min(), row.mean(), row.argmax()]
    return [number.item() for number in numbers]


def main():
    threads, what, *paths = sys.argv[1:]
    torch.set_num_threads(int(threads))
    if what == 'load':
        for _ in range(2):
            start = time.perf_counter()
            torch.load(paths[0], weights_only=True)[0, -1].clone()
            elapsed = time.perf_counter() - start
        report(elapsed * 1e6)
        return
    golden, dump = paths
    pairs = [
        (f'{golden}/{step}/root.lm_head/output.pth', f'{dump}/{step}/67_LmHead/after/outtensor0.bin')
        for step in range(int(what))
    ]
    for pair in pairs[:5]:
        compare(*pair)
    start = time.perf_counter()
    for pair in pairs:
        compare(*pair)
    report((time.perf_counter() - start) * 1e6 / len(pairs))


def report(microseconds):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'us': microseconds, 'peak': peak, 'version': torch.__version__}))


main()
