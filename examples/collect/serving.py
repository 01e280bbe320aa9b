"""Collects from the model inside vLLM and SGLang, which call it in processes of their own. README.md has the recipes.

Both engines compute the logits outside of the model's forward pass, in its module `logits_processor`, so logits and layers
are collected apart: logits as `logits_0.pt`, `logits_1.pt` …, layers in the torch layout.
"""

from pathlib import Path

import torch
from collect import Collector

__all__ = ["finish", "layers_hook", "logits_hook", "start_layers", "start_logits"]


class LogitsWriter:
    """A forward hook of `logits_processor`: the last row of each call is one token."""

    def __init__(self, directory, skip=0):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.glob("logits_*.pt")):
            raise FileExistsError(f"{self.directory} holds logits: a dump is never written to twice; choose another folder")
        self.skip = skip
        self.step = 0

    def __call__(self, module, args, output):
        logits = getattr(output, "next_token_logits", output)
        # In a tensor-parallel group, one rank gathers the logits.
        if logits is None:
            return
        if self.skip > 0:
            self.skip -= 1
            return
        # A storage that holds nothing else than this row.
        row = logits.detach()[-1:].to("cpu", copy=True)
        torch.save(row, self.directory / f"logits_{self.step}.pt")
        self.step += 1


# For vLLM: functions that `llm.apply_model` runs in each worker.


def start_logits(model, directory):
    """Writes the logits of every request that follows, until `finish`."""
    model.golden_logits_handle = model.logits_processor.register_forward_hook(LogitsWriter(directory))


def start_layers(model, directory, **options):
    """Writes every module of every forward pass that follows, until `finish`. `options` are options of Collector."""
    model.golden_logits_collector = Collector(model, directory, **{"layers": "all", **options}).__enter__()


def finish(model):
    """Ends what was started. Raises an error if nothing was collected."""
    handle = model.__dict__.pop("golden_logits_handle", None)
    if handle is not None:
        handle.remove()
    collector = model.__dict__.pop("golden_logits_collector", None)
    if collector is not None:
        collector.__exit__(None, None, None)


# For SGLang: factories for the flag --forward-hooks. Each gets the object `config` of its hook.


def logits_hook(config):
    """For target_modules ["logits_processor"]. config: directory; skip, the calls that are a warm-up (default 0)."""
    return LogitsWriter(config["directory"], config.get("skip", 0))


def layers_hook(config):
    """For target_modules ["model"], the module of the decoder layers. The first forward pass is a warm-up, in which the
    collector is attached; the next ones are the tokens 0, 1 … The run is complete after one more forward pass.

    config: directory; passes, the number of forward passes to collect; more keys are options of Collector.
    """
    options = {"layers": "all", **config}
    directory, passes = options.pop("directory"), options.pop("passes")
    collector = None
    is_complete = False

    def hook(module, args, output):
        nonlocal collector, is_complete
        if collector is None:
            collector = Collector(module, directory, tokens=range(passes), **options).__enter__()
        elif not is_complete and collector.pass_count >= passes:
            is_complete = True
            collector.__exit__(None, None, None)

    return hook
