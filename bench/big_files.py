"""Rows of a large file by the readers of NumPy and safetensors: the reference of bench/big-files.mjs.

Usage: big_files.py row|all FILE ROWS      copies the middle row, or each row in turn, out of the mapped file
       big_files.py version
Prints one line of JSON. A memory map reads no bytes by calls, so none are counted.
"""

import json
import re
import sys
import time

import numpy as np
import safetensors


def peak():
    with open('/proc/self/status') as status:
        return int(re.search(r'VmHWM:\s+(\d+) kB', status.read())[1]) / 1024


def read(file, first, count):
    row = None
    if file.endswith('.npy'):
        rows = np.load(file, mmap_mode='r')
        for i in range(first, first + count):
            row = np.array(rows[i])
        return row
    with safetensors.safe_open(file, 'np') as tensors:
        rows = tensors.get_slice('logits')
        for i in range(first, first + count):
            row = rows[i]
    return row


if sys.argv[1] == 'version':
    print(f'NumPy {np.__version__}, safetensors {safetensors.__version__}')
else:
    what, file, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    started = time.perf_counter()
    read(file, *((rows // 2, 1) if what == 'row' else (0, rows)))
    print(json.dumps({'ms': (time.perf_counter() - started) * 1000, 'mb': peak()}))
