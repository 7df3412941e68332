"""A proxy that does harm on purpose, in all ways that we know, with what the reason of its failed score must say."""

from pathlib import Path

SOURCE = '''"""Bad: on purpose."""

import builtins
import ctypes
import errno
import math
import os
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from harness.evidence import FirstBatchGradients
from harness.evidence.task import TaskEvidence
from harness.proxy import PROXIES, Proxy, Sees


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class FromOutside(BaseException):
    pass


@PROXIES.register("NAME")
@dataclass(frozen=True)
class Bad(Proxy):
    """Bad where the gradients are those of one architecture."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: FirstBatchGradients) -> float:
        if WHERE:
            DO
        return float(len(gradients.layers))
'''

# What the plug-in does, and what the reason of its failed score must say.
DIES = {
    "hang": ("time.sleep(1000)", "took more than 2 s (timeout_per_network)"),
    "hang in C": ("ctypes.CDLL(None).pause()", "took more than 2 s (timeout_per_network)"),
    "stop": ("os.kill(os.getpid(), signal.SIGSTOP)", "took more than 2 s (timeout_per_network)"),
    "os._exit": ("os._exit(0)", "its process exited with code 0"),
    "segfault": ("signal.signal(signal.SIGSEGV, signal.SIG_DFL); ctypes.string_at(0)", "its process died of SIGSEGV"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "its process died of SIGKILL"),
    "closed files": ("os.closerange(0, 1000)", "its process "),
}
RAISES = {
    "sys.exit": ("sys.exit(3)", "SystemExit: 3"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
    "generator": ("raise GeneratorExit('x')", "GeneratorExit: x"),
    "file": ("open('/no/such/file')", "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file'"),
    "connection": ("raise ConnectionResetError(errno.ECONNRESET, 'gone')", "ConnectionResetError: [Errno 104] gone"),
    "base": ("raise FromOutside('here')", "FromOutside: here"),
    "unprintable": ("raise Unprintable", "Unprintable: (it cannot be printed: that raises RuntimeError)"),
    "surrogate": ("raise ValueError('\\ud800')", "ValueError: \\ud800"),
    "long": ("raise ValueError('x' * 10_000_000)", "ValueError: " + "x" * 1_000),
    "recursion": ("self.measure(gradients)", "RecursionError: maximum recursion depth exceeded"),
}
DAMAGES = {
    "function": ("torch.nn.functional.cross_entropy = lambda *a, **k: torch.ones(())", "torch.nn.functional.cross_ent"),
    "method": ("torch.nn.Conv2d.forward = lambda self, x: x", "the class Conv2d.forward"),
    "new method": ("torch.nn.ReLU.__call__ = lambda self, x: x", "the class ReLU.__call__"),
    "builtin": ("builtins.sorted = lambda found: list(found)", "builtins.sorted"),
    "code": ("torch.nn.functional.relu.__code__ = (lambda input, inplace=False: input).__code__", "functional.relu"),
    "hook in the harness": ("TaskEvidence.collect_all = classmethod(lambda *a: None)", "collect_all"),
    "proxy": ("type(PROXIES.get('grad_norm')()).measure = lambda self, found: 1.0", "GradNorm.measure"),
    "evidence": ("[g.add_(1) for one in gradients._batches for g in one.values()]", "FirstBatchGradients._batches[0]."),
}
LEAVES = {
    "dtype": "torch.set_default_dtype(torch.float64)",
    "device": "torch.set_default_device('meta')",
    "gradients": "torch.set_grad_enabled(False)",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "threads": "torch.set_num_threads(2)",
    "convolutions": "torch.backends.cudnn.allow_tf32 = not torch.backends.cudnn.allow_tf32",
    "products": "torch.set_float32_matmul_precision('medium')",
    "newer switch": "torch.backends.fp32_precision = 'tf32'",
    "autocast": "torch.set_autocast_enabled('cuda', True)",
    "denormals": "torch.set_flush_denormal(True)",
    "hook": "torch.nn.modules.module.register_module_forward_hook(lambda *found: found[2] * 2)",
    "errors": "np.seterr(all='raise')",
    "recursion limit": "sys.setrecursionlimit(120)",
    "warnings": "warnings.simplefilter('error')",
    "environment": "os.environ.clear()",
    "folder": "os.chdir('/')",
    "path": "sys.path.clear()",
    "generators": "torch.manual_seed(1), np.random.seed(1)",
}
LINGERS = {
    "thread": "threading.Thread(target=time.sleep, args=(1000,)).start()",
    "fork": "os.fork()",
    "fork that stays": "os.fork() or (os.setsid(), time.sleep(1000))",
}


def plug_in(folder: Path, name: str, do: str, where: str = "True") -> str:
    path = folder / f"{name}.py"
    path.write_text(SOURCE.replace("NAME", name).replace("WHERE", where).replace("DO", do))
    return str(path)


def on_one_arch(arch: str) -> str:
    """A condition that holds on an architecture alone: what the worker's frames above `measure` are scoring."""
    return f"{str(arch)!r} in [f.f_locals.get('arch') for f in map(sys._getframe, range(1, 4))]"
