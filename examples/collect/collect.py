"""Writes the tensors of a PyTorch model in the torch layout of golden-logits. Needs only PyTorch.

    from collect import Collector, decode, deterministic

    deterministic(seed=0)
    with Collector(model, "dumps/gpu") as run:                       # the last logits of every forward pass
        ids = decode(model, prompt_ids, steps=12)
    print(run.path)                                                  # dumps/gpu/msit_dump_20260301_101500

    with Collector(model, "dumps/gpu-layers", layers="all", tokens=[3]):    # every module, with inputs, of token 3
        decode(model, prompt_ids, steps=4, forced=ids)

A forward pass of the model is one token: the folder 0 is the prefill, which produces token 0. `forced` feeds the tokens
of another run, so that two builds read the same text; then compare with `decoding: 'forced'`.

With the model of transformers, `model.generate` may be called in the same way, and `forced_processor` forces its tokens.
"""

import json
import os
import platform
import time
from pathlib import Path

import torch

__all__ = ["Collector", "ReplayedGraph", "decode", "deterministic", "forced_processor"]


class ReplayedGraph(RuntimeError):
    """The hooks do not see what the device computes: a captured or compiled graph is replayed."""


REPLAY_ADVICE = (
    "Hooks run only in eager mode: turn graphs and compilation off (vLLM: enforce_eager=True; SGLang: "
    "--disable-cuda-graph; torch.compile: collect from the model before it is compiled), and collect again"
)


def deterministic(seed=0):
    """Makes two runs of one build give the same bits: seeds every generator, and refuses kernels that are not
    deterministic. Call it before the model runs, and before CUDA is used.

    Raises RuntimeError if CUDA was used before and CUBLAS_WORKSPACE_CONFIG is not set, because cuBLAS reads it once.
    """
    setting = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    if setting not in (":4096:8", ":16:8"):
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            raise RuntimeError("CUDA is in use already: set CUBLAS_WORKSPACE_CONFIG=:4096:8 before Python starts")
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    # TensorFloat-32 has the accuracy of float16: a golden in float32 must not use it.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


class Collector:
    """Writes a dump while a model runs: `{directory}/msit_dump_{run}/torch_tensors/{device}{rank}_{PID}/{token}/…`

    model      any torch.nn.Module, in eager mode.
    directory  where the dump goes. An existing run is never written to.
    layers     "last": the output of the last module to run, which is the LM head of a language model. "all": the output
               and the inputs of every module. A list of names: the outputs and inputs of these modules, such as
               "root.model.layers.0.mlp".
    inputs     False leaves the inputs out. They show which layer diverges first: keep them.
    tokens     which forward passes to write, counted from 0: a range, a list, or None for all.
    rank       the process's rank in a tensor-parallel group. Default: of torch.distributed, of the environment variable
               RANK, or 0.
    run        YYYYMMDD_HHMMSS, the same for all ranks of a run. Default: now.
    """

    def __init__(self, model, directory, layers="last", inputs=True, tokens=None, rank=None, run=None):
        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"Collector needs a torch.nn.Module, got {type(model).__name__}")
        if isinstance(model, torch.jit.ScriptModule):
            raise ReplayedGraph(f"the model is a TorchScript module, whose modules call no hooks. {REPLAY_ADVICE}")
        self.model = model
        self.names = {module: "root" + (f".{name}" if name else "") for name, module in model.named_modules()}
        for module, name in self.names.items():
            if type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None:
                raise ReplayedGraph(f"{name} is compiled by torch.compile. {REPLAY_ADVICE}")
        if isinstance(layers, str):
            if layers not in ("last", "all"):
                raise ValueError(f'layers must be "last", "all" or a list of module names, got "{layers}"')
            self.wanted = None if layers == "all" else set()
        else:
            self.wanted = set(layers)
            absent = sorted(self.wanted - set(self.names.values()))
            if absent or not self.wanted:
                raise ValueError(f"the model has no module {absent[0] if absent else '(the list is empty)'}; see named_modules()")
        self.only_last = layers == "last"
        self.inputs = inputs
        self.tokens = None if tokens is None else set(tokens)
        self.rank = default_rank() if rank is None else rank
        self.device = next((p.device.type for p in model.parameters()), "cpu")
        self.path = new_run(Path(directory), run)
        self.folder = self.path / "torch_tensors" / f"{self.device}{self.rank}_{os.getpid()}"
        if self.folder.exists():
            raise FileExistsError(f"{self.folder} exists: a run is never written to twice; choose another run")
        self.pass_count = 0
        self.written = 0
        self.order = {}
        self.handles = []
        self.depth = 0

    def __enter__(self):
        # Before any module: the root opens the folder of the token.
        self.handles.append(self.model.register_forward_pre_hook(self.begin, prepend=True))
        for module, name in self.names.items():
            if module is not self.model:
                self.handles.append(module.register_forward_pre_hook(self.count, with_kwargs=True))
                self.handles.append(module.register_forward_hook(self.collect, with_kwargs=True))
        self.handles.append(self.model.register_forward_hook(self.end))
        return self

    def __exit__(self, kind, error, trace):
        for handle in self.handles:
            handle.remove()
        self.handles = []
        if kind is not None:
            return
        if self.pass_count == 0:
            raise ReplayedGraph(
                "no forward pass of the model was seen: it was not called, or a captured graph was replayed. " + REPLAY_ADVICE
            )
        if self.written == 0:
            raise RuntimeError(
                f"the model ran {self.pass_count} times, and none of these tokens was to be collected: {sorted(self.tokens)}"
            )
        self.write_tree()
        self.write_facts()

    # The hooks, in the order in which they are called.

    def begin(self, module, args):
        self.refuse_graphs("root")
        self.depth += 1
        if self.depth > 1:
            raise RuntimeError("the model calls itself; collect from the module that runs once per token")
        self.calls = {}
        self.entered = {}
        self.sequence = 0
        self.last = None
        self.is_wanted = self.tokens is None or self.pass_count in self.tokens
        if self.is_wanted:
            self.step = self.folder / str(self.pass_count)
            self.step.mkdir(parents=True)

    def count(self, module, args, kwargs):
        # A module may change its inputs in place, so they are copied before it runs.
        if self.depth == 0 or not self.is_wanted or self.only_last or not self.inputs or not self.wants(module):
            return
        self.entered.setdefault(module, []).append(copies(tensors_of((list(args), kwargs), flat_kwargs=True)))

    def wants(self, module):
        return self.wanted is None or self.names[module] in self.wanted

    def collect(self, module, args, kwargs, output):
        if self.depth == 0:
            return
        name = self.names[module]
        self.refuse_graphs(name)
        call = self.calls[name] = self.calls.get(name, -1) + 1
        # Of the first forward pass: one number for each call.
        if self.pass_count == 0:
            self.order.setdefault(name, []).append(self.sequence)
        self.sequence += 1
        if not self.is_wanted:
            return
        outputs = tensors_of(output)
        if self.only_last:
            self.last = (name, call, outputs) if outputs else self.last
        elif self.wants(module):
            inputs = self.entered[module].pop() if self.inputs else []
            self.write(name, call, copies(outputs), inputs)

    def end(self, module, args, output):
        self.depth -= 1
        if self.sequence == 0 and len(self.names) > 1:
            raise ReplayedGraph(f"the model ran, and none of its {len(self.names) - 1} modules called a hook. {REPLAY_ADVICE}")
        if self.is_wanted:
            if self.only_last:
                # A model without modules emits the logits itself.
                name, call, outputs = self.last or ("root", 0, tensors_of(output))
                if not outputs:
                    raise RuntimeError(f"{name} returned no tensor, so there are no logits to write")
                self.write(name, call, copies(outputs), [])
            self.written += 1
        self.pass_count += 1

    def refuse_graphs(self, name):
        if torch.compiler.is_compiling():
            raise ReplayedGraph(f"{name} is being compiled. {REPLAY_ADVICE}")
        if self.device == "cuda" and torch.cuda.is_current_stream_capturing():
            raise ReplayedGraph(f"{name} is being captured into a CUDA graph. {REPLAY_ADVICE}")

    # Writing.

    def write(self, name, call, outputs, inputs):
        # A module that is called several times in one forward pass.
        folder = self.step / (name if call == 0 else f"{name}@{call}")
        folder.mkdir()
        for path, tensor in outputs:
            torch.save(tensor, folder / f"output{''.join(f'_{part}' for part in path)}.pth")
        for path, tensor in inputs:
            torch.save(tensor, folder / f"input{''.join(f'_{part}' for part in path)}.pth")

    def write_tree(self):
        """The module tree, with the positions at which each module ended in the first forward pass, one for each call."""

        def node(name, module):
            facts = {"name": name, "type": type(module).__name__}
            if name in self.order:
                facts["order"] = self.order[name]
            children = [(child, self.names.get(child, f"{name}.{key}")) for key, child in module.named_children()]
            return {**facts, "children": [node(label, child) for child, label in children]}

        (self.folder / "model_tree.json").write_text(json.dumps(node("root", self.model), indent=1))

    def write_facts(self):
        facts = {
            "torch": torch.__version__,
            "device": self.device if self.device == "cpu" else torch.get_device_module(self.device).get_device_name(),
            "machine": platform.machine(),
            "dtypes": sorted({str(p.dtype) for p in self.model.parameters()}),
            "seed": torch.initial_seed(),
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "forward_passes": self.pass_count,
        }
        info = self.path / "info"
        info.mkdir(exist_ok=True)
        (info / f"{self.folder.name}.json").write_text(json.dumps(facts, indent=1))


def default_rank():
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    return int(os.environ.get("RANK", "0"))


def new_run(directory, run):
    """The folder of the run. Ranks share one that is named; without a name, it is a new one."""
    if run is not None:
        path = directory / f"msit_dump_{run}"
        path.mkdir(parents=True, exist_ok=True)
        return path
    seconds = time.time()
    while True:
        path = directory / time.strftime("msit_dump_%Y%m%d_%H%M%S", time.localtime(seconds))
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            seconds += 1


def tensors_of(value, path=(), flat_kwargs=False):
    """The tensors in what a module takes or returns, each with the indices that lead to it: () for a tensor itself.
    Dictionaries (the outputs of transformers are) count their values; caches and other objects are left out."""
    if isinstance(value, torch.Tensor):
        return [(path, value)]
    if flat_kwargs:
        args, kwargs = value
        named = [item for key, item in kwargs.items() if isinstance(item, (torch.Tensor, tuple, list))]
        return tensors_of([*args, *named])
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [entry for i, item in enumerate(value) for entry in tensors_of(item, (*path, i))]
    return []


def copies(entries):
    """Tensors as they are now, on the CPU, each in a storage that holds nothing else."""
    return [(path, tensor.detach().to("cpu", copy=True).contiguous()) for path, tensor in entries]


@torch.no_grad()
def decode(model, prompt, steps, forced=None, eos=None, cache=True):
    """Generates `steps` tokens for one prompt, one forward pass each, and returns their ids.

    model   maps ids [1, length] to logits, or to an object with `.logits`. A model with a cache, as those of transformers
            have, is fed one token at a time; any other model is fed the text so far.
    prompt  a list of token ids, or a tensor [1, length].
    forced  ids to feed in place of the model's own, at least steps - 1 of them.
    eos     the id that ends the text, if it should end there. Forced text does not end.
    cache   False feeds the text so far at each step, to models with a cache too. Then each token is collected with every
            position of the text, which shows far better which layer diverges than one position does.
    """
    ids = torch.as_tensor(prompt).reshape(1, -1)
    if forced is not None and len(forced) < steps - 1:
        raise ValueError(f"{steps} tokens need {steps - 1} forced ids, got {len(forced)}")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    text = ids.to(device)
    fed, past, chosen = text, None, []
    has_cache = hasattr(model, "config") and hasattr(model, "generate")
    for step in range(steps):
        output = model(fed, past_key_values=past, use_cache=cache) if has_cache else model(fed)
        logits = getattr(output, "logits", output)
        past = getattr(output, "past_key_values", None) if cache else None
        chosen.append(int(logits.reshape(-1, logits.shape[-1])[-1].argmax()))
        if step == steps - 1 or (forced is None and chosen[-1] == eos):
            break
        token = chosen[-1] if forced is None else int(forced[step])
        next_token = torch.tensor([[token]], device=device)
        text = torch.cat([text, next_token], dim=1)
        fed = next_token if past is not None else text
    return chosen


def forced_processor(ids, prompt_length):
    """For transformers: `model.generate(prompt, logits_processor=[forced_processor(ids, prompt.shape[1])])` feeds these ids.
    The LM head's output, which is collected, stays as it is: only the choice of the token is forced."""

    def process(input_ids, scores):
        forced = ids[input_ids.shape[1] - prompt_length]
        chosen = torch.full_like(scores, float("-inf"))
        chosen[:, int(forced)] = 0
        return chosen

    return process
