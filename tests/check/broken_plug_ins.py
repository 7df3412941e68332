"""Plug-ins, each broken in its way: the check that must catch it, its source, and what the finding must say."""

HEAD = '''"""Mine: what it is. arXiv:2601.00001."""

import math
import random
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional as F

from harness.evidence import EVIDENCE, Evidence, FirstBatchGradients, Layers, ReluCodes, SynflowSaliency
from harness.proxy import PROXIES, Proxy, Sees

'''

CLASS = '''
@PROXIES.register("NAME")
@dataclass(frozen=True)
class Mine(Proxy):
    """What it sums."""

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2601.00001"
    sees: ClassVar[Sees] = Sees.LIVE
'''

SOUND = """
    def measure(self, gradients: FirstBatchGradients) -> float:
        return sum(float(layer.norm()) for layer in gradients.layers.values())
"""

# A kind of evidence of one's own: the way to the network, and so to most of what can go wrong.
OWN = '''
@EVIDENCE.register("evidence_of_NAME")
class Own(Evidence):
    """The network itself."""

    shared_pass: ClassVar[str] = "NAME"

    def __init__(self, subject):
        self.subject = subject
        network, setting = subject.network, subject.setting
        batch = setting.batches[0]
        images = batch.images.to(setting.protocol.dtype.dtype)
        self.value = float(sum(weight.detach().double().norm() for weight in network.parameters()))
        DO

    @classmethod
    def collect_all(cls, subject, kinds):
        return [kind(subject) for kind in kinds]
'''
OF_OWN = """
    def measure(self, own: Own) -> float:
        return own.value
"""


def own(*lines: str) -> str:
    return HEAD + OWN.replace("DO", "\n        ".join(lines)) + CLASS + OF_OWN


def measuring(evidence: str, *lines: str) -> str:
    body = "\n".join(f"        {line}" for line in lines)
    return HEAD + CLASS + f"\n    def measure(self, found: {evidence}) -> float:\n{body}\n"


MEAN = "return sum(float(layer.abs().mean()) for layer in found.layers.values())"

BROKEN = {
    "syntax": ("loads", HEAD + "def (:\n", "does not import: SyntaxError"),
    "no proxy": ("loads", HEAD, "registers no proxy"),
    "seeds on import": ("loads", HEAD + "torch.manual_seed(0)\n" + CLASS + SOUND, "importing the file changes torch"),
    "two at once": (
        "one proxy",
        HEAD + CLASS + SOUND + CLASS.replace("NAME", "NAME_too") + SOUND,
        "put each into its own file",
    ),
    "no version": (
        "version",
        HEAD + CLASS.replace("    version: ClassVar[int] = 1\n", "") + SOUND,
        "no version; write",
    ),
    "no sees": (
        "sees",
        HEAD + CLASS.replace("    sees: ClassVar[Sees] = Sees.LIVE\n", "") + SOUND,
        "or Sees.ALL if dead operations change",
    ),
    "no words": (
        "documented",
        HEAD.split("\n", 1)[1] + CLASS.replace('    """What it sums."""\n', "") + SOUND,
        "the file has no docstring (what it is, and where it comes from); the class has no docstring",
    ),
    "constant for an option": ("options", HEAD + CLASS + "    power = 2.0\n" + SOUND, "write `power: float = 2.0`"),
    "mandatory option": ("options", HEAD + CLASS + "    power: float\n" + SOUND, "power has no default"),
    "odd option": (
        "options",
        HEAD + CLASS + "    sizes: tuple = ()\n" + SOUND,
        "sizes is not an int, float",
    ),
    "version as an option": (
        "options",
        HEAD + CLASS.replace("version: ClassVar[int]", "version: int") + SOUND,
        "version is interpreted as an option: annotate it with ClassVar",
    ),
    "thawed": ("options", HEAD + CLASS.replace("(frozen=True)", "(unsafe_hash=True)") + SOUND, "is not frozen"),
    "raises": (
        "value",
        measuring("Layers", "raise ValueError('no luck')"),
        "ValueError: no luck (mine.py, line 27), on every ordinary cell; the other checks need a score",
    ),
    "leaves": ("value", measuring("Layers", "raise SystemExit(3)"), "SystemExit: 3 (mine.py, line 27), on every"),
    "words": (
        "value",
        measuring("Layers", "return '1.5'"),
        "measure returned '1.5', which is not a number; return a float",
    ),
    "nothing": ("value", measuring("Layers", "pass"), "measure returned None, which is not a number"),
    "no parts": ("value", measuring("Layers", "return {}"), "measure returned {}; a dict must name its components"),
    "parts": ("value", measuring("Layers", "return {'a': 1.0, 'b': 2.0}"), "does not say how they combine"),
    "clock": ("deterministic", measuring("Layers", "return time.perf_counter()"), "in the second"),
    "memory": (
        "deterministic",
        HEAD + "seen = []\n" + CLASS + SOUND.replace("return ", "seen.append(1)\n        return len(seen) + "),
        "keep no state between architectures",
    ),
    "looks at others' traces": (
        "company",
        own("self.value = float(network.get_buffer('stem.1.running_mean').abs().sum())"),
        "together with params, zico, naswot, grad_norm, synflow; use only the evidence",
    ),
    "spoils the others": (
        "company",
        own("torch.nn.init.ones_(network.classifier.weight)", "torch.nn.init.ones_(network.stem[0].weight)"),
        "changes the scores of zico, naswot, grad_norm, synflow",
    ),
    "changes weights": (
        "network",
        own("network.stem[0].weight.data.abs_()"),
        "parameter stem.0.weight changed: work on copy.deepcopy",
    ),
    "switches the mode": ("network", own("network.eval()"), "mode of the network, mode of stem, mode of stem.0 and "),
    "freezes": ("network", own("network.requires_grad_(False)"), "requires_grad of stem.0.weight"),
    "leaves gradients": ("network", own("network(images).sum().backward()"), ".grad of stem.0.weight"),
    "moves buffers": (
        "network",
        own("training = network.training", "network.train()(images)", "network.train(training)"),
        "buffer stem.1.running_mean",
    ),
    "leaves hooks": (
        "hooks",
        own("network.classifier.register_forward_hook(lambda *_: None)"),
        "hooks remain on classifier: remove them with handle.remove()",
    ),
    "leaves hooks on tensors": (
        "hooks",
        own("network.classifier.weight.register_hook(lambda gradient: None)"),
        "hooks remain on classifier.weight",
    ),
    "changes evidence": (
        "evidence",
        measuring("SynflowSaliency", "return sum(float(layer.sqrt_().sum()) for layer in found.layers.values())"),
        "SynflowSaliency.layers.stem.0",
    ),
    "seeds": (
        "generators",
        measuring("FirstBatchGradients", "torch.manual_seed(0)", MEAN),
        "seeds the global generator",
    ),
    "seeds numpy": ("generators", measuring("FirstBatchGradients", "np.random.seed(0)", MEAN), "generator of numpy"),
    "draws while counting": ("generators", measuring("Layers", "return random.random()"), "where it is not seeded"),
    "sets the dtype": (
        "globals",
        measuring("FirstBatchGradients", "torch.set_default_dtype(torch.float64)", MEAN),
        "torch's default dtype changed",
    ),
    "hushes numpy": ("globals", measuring("Layers", "np.seterr(all='ignore')", "return 1.0"), "numpy's handling"),
    "needs every gradient": (
        "dead branch",
        own(
            "network.requires_grad_(True)",
            "wanted = torch.autograd.grad(network(images).sum(), list(network.parameters()), allow_unused=True)",
            "self.value = sum(float(gradient.norm()) for gradient in wanted)",
        ),
        "AttributeError: 'NoneType' object has no attribute 'norm' (mine.py, line 31), on a cell with a",
    ),
    "needs a path": (
        "no path",
        measuring("FirstBatchGradients", "return math.log(float(found.layers['stem.0'].norm()))"),
        "KeyError: 'stem.0' (mine.py, line 27), on a cell with only `none` operations",
    ),
    "needs a convolution": (
        "skip only",
        measuring("FirstBatchGradients", "return 1 / sum('edges' in name for name in found.layers)"),
        "ZeroDivisionError: division by zero (mine.py, line 27), on a cell with only skip connections",
    ),
    "needs a gradient": (
        "constant",
        measuring("FirstBatchGradients", "return math.log(float(list(found.layers.values())[0].norm()))"),
        "on a network with constant outputs",
    ),
    "needs different images": (
        "duplicates",
        measuring(
            "ReluCodes",
            "kernel = np.corrcoef(found.codes[0].double().numpy())",
            "return float(np.linalg.inv(kernel - np.eye(len(kernel)) / 2 - np.ones_like(kernel) / 2).sum()) "
            "if np.ptp(kernel) else math.log(0)",
        ),
        "on a batch of identical images; return a number or -inf, or raise Undefined",
    ),
    "knows float32 alone": (
        "dtype",
        measuring(
            "FirstBatchGradients",
            "return sum(float(layer.flatten() @ torch.ones(layer.numel())) for layer in found.layers.values())",
        ),
        "with protocol.dtype=fp64; compute in the dtype of the evidence",
    ),
    "needs classes": (
        "tasks",
        own("self.value = float((F.one_hot(batch.targets, 10) * network(images)).sum())"),
        "on a task without classes (transnas_micro room_layout); if it needs classes, raise Undefined",
    ),
    "counts what is dead": (
        "canonical",
        measuring("Layers", "return found.sum(found.n_params)"),
        "which compute the same function; ignore dead operations, or declare Sees.ALL",
    ),
    "calls cuda": (
        "device",
        measuring("FirstBatchGradients", "return sum(float(x.cuda().norm()) for x in found.layers.values())"),
        "requests a GPU by name: .cuda() in mine.py, line 27. Use the device of its evidence: tensor.device",
    ),
    "names cuda": (
        "device",
        measuring("FirstBatchGradients", "return float(torch.ones(3, device='cuda:0').sum())"),
        "requests a GPU by name: 'cuda:0' in mine.py, line 27",
    ),
    "moves the network": ("device", own("network.cuda()"), "requests a GPU by name: .cuda() in mine.py"),
}

NOTED = {
    "no paper": ("cited", HEAD + CLASS.replace('"arXiv:2601.00001"', '""') + SOUND, "no paper; once it is published"),
    "says one thing of all": ("value", measuring("Layers", "return 1.0"), "1 for 3 different cells"),
    "could be LIVE": ("canonical", HEAD + CLASS.replace("LIVE", "ALL") + SOUND, "Sees.LIVE would score each only once"),
    "measured": (
        "deterministic",
        HEAD + CLASS + "    deterministic: ClassVar[bool] = False\n" + SOUND,
        "declared as a measurement",
    ),
}
