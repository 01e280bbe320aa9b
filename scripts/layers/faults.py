"""The faults that plant_faults.py plants in a model: each in one kind of module, at several depths.

A fault belongs to a group: "structural" (heads, masks, rotary, norms, another layer's weights), "scale 5 %", or "others", of
which some are too small to be told from rounding.
"""

from dataclasses import dataclass
from typing import Callable

import torch
from torch import nn

PROJECTIONS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
PROJECTIONS += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
NORMS = ["input_layernorm", "post_attention_layernorm"]


@dataclass
class Fault:
    name: str
    group: str
    expected: list  # names of modules, any of which is right
    plant: Callable  # takes a Site


class Site:
    """A model in which a fault is planted, and taken out again."""

    def __init__(self, model, golden, cast):
        self.model, self.golden, self.cast, self.undo = model, golden, cast, []

    def weight(self, name, change, other=None):
        """Replaces a weight. A tied one stays as it is elsewhere."""
        module = self.model.get_submodule(name)
        old = module.weight
        new = change(self.golden.get_submodule(other or name).weight.detach().clone())
        module.weight = nn.Parameter(self.cast(new), requires_grad=False)
        self.undo.append(lambda: setattr(module, "weight", old))

    def output(self, name, change):
        """Replaces what a module returns, before it is rounded. `change` takes the inputs and the output."""
        hook = lambda module, args, output: change(args, output)
        self.undo.append(self.model.get_submodule(name).register_forward_hook(hook, prepend=True).remove)

    def attribute(self, name, key, value):
        """`value` takes the module."""
        module = self.model.get_submodule(name)
        has = key in module.__dict__
        old = module.__dict__.get(key)
        setattr(module, key, value(module))
        self.undo.append(lambda: setattr(module, key, old) if has else delattr(module, key))

    def remove(self):
        for step in reversed(self.undo):
            step()


# Attention. `attend` takes the place of transformers' own eager attention, and is the same without a fault.


def attend(module, query, key, value, attention_mask, scaling, dropout=0.0, **kwargs):
    fault = module.__dict__.get("attention_fault", {})
    groups = module.num_key_value_groups
    if "rotary" in fault:
        query, key = fault["rotary"](module, query, key)
    repeat = (lambda x: x.repeat(1, groups, 1, 1)) if "groups" in fault else (lambda x: x.repeat_interleave(groups, 1))
    key, value = repeat(key), repeat(value)
    scores = query @ key.transpose(2, 3) * (scaling * fault.get("scale", 1))
    mask = scores.new_zeros(scores.shape[-2:]) if attention_mask is None else attention_mask
    scores = scores + fault.get("mask", lambda seen: seen)(mask)
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def hides(which):
    def mask(seen):
        rows, columns = seen.shape[-2:]
        query = torch.arange(columns - rows, columns)[:, None]
        key = torch.arange(columns)[None]
        hidden = which(query, key) & ~((query == 0) & (key == 0))
        return seen.masked_fill(hidden, torch.finfo(seen.dtype).min)

    return mask


MASKS = {
    "mask hides the last key but one": hides(lambda query, key: key == query - 1),
    "mask hides the first key": hides(lambda query, key: (key == 0) & (query > 0)),
    "mask leaves a window of 4": hides(lambda query, key: key < query - 3),
    "no causal mask": lambda seen: torch.zeros_like(seen),
}


def turned(x, positions, theta, interleaved=False):
    """Rotary embedding, with the elements of a pair side by side or half a head apart."""
    size = x.shape[-1]
    angles = positions[:, None].float() * theta ** (-torch.arange(0, size, 2) / size)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
    a, b = x[..., : size // 2], x[..., size // 2 :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def rotary(change):
    def apply(module, query, key):
        theta = module.config.rope_parameters["rope_theta"]
        columns = key.shape[-2]
        there = torch.arange(columns)
        here = there[columns - query.shape[-2] :]
        return change(query, key, here, there, theta)

    return apply


def again(x, positions, theta, **other):
    """The rotation of these positions is taken back, and another one applied."""
    return turned(turned(x, -positions, theta), positions, **{"theta": theta, **other})


ROTARY = {
    "rotary: q one position ahead": lambda q, k, here, there, theta: (turned(q, torch.ones_like(here), theta), k),
    "rotary: another base": lambda q, k, here, there, theta: (
        turned(turned(q, -here, theta), here, 10_000.0),
        turned(turned(k, -there, theta), there, 10_000.0),
    ),
    "rotary: other pairs": lambda q, k, here, there, theta: (
        again(q, here, theta, interleaved=True),
        again(k, there, theta, interleaved=True),
    ),
    "rotary: none": lambda q, k, here, there, theta: (turned(q, -here, theta), turned(k, -there, theta)),
}


def attention(**fault):
    return lambda i: lambda site: site.attribute(site.layer(i) + ".self_attn", "attention_fault", lambda module: fault)


# Decoder layers.


def without_residual(which):
    def forward_of(layer):
        def forward(hidden_states, **kwargs):
            attended = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), **kwargs)[0]
            middle = attended if which == "attention" else hidden_states + attended
            made = layer.mlp(layer.post_attention_layernorm(middle))
            return made if which == "mlp" else middle + made

        return forward

    return forward_of


# Weights.


def int8(weight):
    step = weight.abs().amax(1, keepdim=True) / 127
    return (weight / step).round() * step


def zeroed(weight, columns):
    weight[:, columns] = 0
    return weight


def without_shard(weight):
    rows = weight.shape[0]
    weight[rows // 2 : rows // 2 + rows // 8] = 0
    return weight


def rms_without_mean(args, output):
    x = args[0]
    return output - output.mean(-1, keepdim=True) if x.is_floating_point() else output


def faults(depth, is_real, heads, size):
    """Every fault of a model with `depth` layers; heads: (of queries, of keys), size: of one head."""
    prefix = "model." if is_real else ""
    places = sorted({0, depth // 4, depth // 2, 3 * depth // 4, depth - 1})

    def fault(name, group, parts, plant):
        expected = [f"root.{part}" for part in (parts if isinstance(parts, list) else [parts])]
        return Fault(name, group, expected, plant)

    def at(i, part=""):
        return f"{prefix}layers.{i}" + (f".{part}" if part else "")

    def scale(path, factor):
        return lambda site: site.weight(path, lambda weight: weight * factor)

    outer = [f"{prefix}embed_tokens", f"{prefix}norm", "lm_head"]
    for factor, group in ((1.02, "others"), (1.05, "scale 5 %"), (1.1, "others")):
        name = f"scale {round((factor - 1) * 100)} %"
        for path in [at(i, part) for i in places for part in [*PROJECTIONS, *NORMS]] + outer:
            yield fault(name, group, path, scale(path, factor))
    for i in places:
        other = i + 1 if i + 1 < depth else i - 1
        for part in PROJECTIONS:
            path = at(i, part)
            yield fault("int8 weights", "others", path, lambda site, path=path: site.weight(path, int8))
        for part in [*PROJECTIONS, *NORMS]:
            path = at(i, part)
            plant = lambda site, path=path, part=part, other=other: site.weight(path, lambda w: w, at(other, part))
            yield fault("another layer's weights", "structural", path, plant)
        for part in PROJECTIONS[:4]:
            path = at(i, part)
            axis = 1 if part.endswith("o_proj") else 0
            plant = lambda site, path=path, axis=axis: site.weight(path, lambda w: w.roll(size, axis))
            yield fault("heads swapped", "structural", path, plant)
        for part in NORMS:
            path = at(i, part)
            plant = lambda site, path=path: site.output(path, lambda args, output: args[0])
            yield fault("norm missing", "structural", path, plant)
            plant = lambda site, path=path: site.weight(path, torch.ones_like)
            yield fault("norm without weight", "structural", path, plant)
            plant = lambda site, path=path: site.output(path, rms_without_mean)
            yield fault("norm subtracts the mean", "others", path, plant)
        pair = [at(i, part) for part in ("mlp.gate_proj", "mlp.up_proj")]

        def exchanged(site, pair=pair):
            site.weight(pair[0], lambda w: w, pair[1])
            site.weight(pair[1], lambda w: w, pair[0])

        yield fault("gate and up exchanged", "structural", pair, exchanged)
        path = at(i, "mlp.act_fn")
        gelu = lambda site, path=path: site.output(path, lambda args, output: nn.functional.gelu(args[0]))
        yield fault("GELU in place of SiLU", "structural", path, gelu)
        path = at(i, "mlp.up_proj")
        yield fault("one input is dropped", "others", path, lambda site, path=path: site.weight(path, lambda w: zeroed(w, 5)))
        if not is_real:
            continue
        path = at(i, "self_attn")
        if heads[0] != heads[1]:
            yield fault("heads grouped wrongly", "structural", path, attention(groups=True)(i))
        for name, mask in MASKS.items():
            yield fault(name, "structural", path, attention(mask=mask)(i))
        for name, change in ROTARY.items():
            yield fault(name, "structural", path, attention(rotary=rotary(change))(i))
        for percent in (5, 20):
            yield fault(f"softmax scale {percent} %", "others", path, attention(scale=1 + percent / 100)(i))
        for which in ("attention", "mlp"):
            forward = without_residual(which)
            plant = lambda site, i=i, forward=forward: site.attribute(at(i), "forward", forward)
            yield fault(f"no residual of {which}", "structural", at(i), plant)
    yield fault("part of the vocabulary is zero", "structural", "lm_head", lambda site: site.weight("lm_head", without_shard))
    yield fault("int8 weights", "others", "lm_head", lambda site: site.weight("lm_head", int8))
    path = f"{prefix}norm"
    yield fault("norm without weight", "structural", path, lambda site: site.weight(path, torch.ones_like))
    yield fault("norm missing", "structural", path, lambda site: site.output(path, lambda args, output: args[0]))
    yield from in_all_layers(depth, is_real, at, fault)


def in_all_layers(depth, is_real, at, fault):
    """The first layer is right."""

    def each(plant):
        def plant_all(site):
            for i in range(depth):
                plant(site, i)

        return plant_all

    norm = each(lambda site, i: site.weight(at(i, NORMS[0]), torch.ones_like))
    yield fault("all layers: norm without weight", "others", at(0, NORMS[0]), norm)
    heads = each(lambda site, i: site.weight(at(i, PROJECTIONS[0]), lambda w: w.roll(w.shape[0] // 3, 0)))
    yield fault("all layers: heads swapped", "others", at(0, PROJECTIONS[0]), heads)
    scaled = each(lambda site, i: site.weight(at(i, PROJECTIONS[6]), lambda w: w * 1.05))
    yield fault("all layers: scale 5 %", "others", at(0, PROJECTIONS[6]), scaled)
    if not is_real:
        return
    for name, change in ROTARY.items():
        plant = each(lambda site, i, change=change: attention(rotary=rotary(change))(i)(site))
        yield fault(f"all layers: {name}", "others", at(0, "self_attn"), plant)
    plant = each(lambda site, i: attention(scale=1.2)(i)(site))
    yield fault("all layers: softmax scale 20 %", "others", at(0, "self_attn"), plant)
