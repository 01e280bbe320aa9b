"""Reads reports with pandas, with its defaults. Prints the kind of each column and what some of them hold, as JSON."""

import json
import sys

import numpy
import pandas


def kind(column):
    types = pandas.api.types
    if column.isna().all():
        return "empty"
    for name in ("bool", "integer", "float", "string"):
        if getattr(types, f"is_{name}_dtype")(column.dtype):
            return name
    return "string" if column.dropna().map(type).eq(str).all() else str(column.dtype)


def divergence(golden, dump):
    """KL divergence of two rows of logits, in float64."""
    with numpy.errstate(divide="ignore"):
        p, q = (row - numpy.logaddexp.reduce(row) for row in (numpy.array(golden, float), numpy.array(dump, float)))
    return str(float(numpy.sum(numpy.exp(p) * (p - q))))


request = json.load(sys.stdin)
exact = pandas.read_csv(request["file"], float_precision="round_trip")
table = pandas.read_csv(request["file"])
print(
    json.dumps(
        {
            "kinds": {name: kind(table[name]) for name in table.columns},
            "rows": len(table),
            "kl": [str(value) for value in exact["kl_divergence"]],
            "expected": [divergence(*pair) for pair in request["pairs"]],
            "pass": [bool(value) for value in table["pass"]],
            "tokens": [int(value) for value in table["token_id"]],
            "names": sorted(set(table["test_name"])),
            "over": [int(value) for value in table[table["kl_divergence"] > table["kl_limit"]]["token_id"]],
        }
    )
)
