"""Latency: the measured time of a forward pass."""

import platform
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, thread_time
from typing import ClassVar

import torch

from harness.evidence import PrivateNetwork
from harness.evidence.private import run
from harness.proxy import PROXIES, Proxy, Sees, require_positive


def processor() -> str:
    """The name of this machine's processor."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


@PROXIES.register("latency")
@dataclass(frozen=True)
class Latency(Proxy):
    """Minus the seconds of one forward pass: minimum of several, without gradients, in eval mode.

    The negative is used so that higher means better, as for a budget: a negative correlation with accuracy means that
    slower networks are more accurate. CPU seconds of one thread on a CPU, wall-clock seconds on a GPU. Every operation
    runs, including dead ones. As a measurement, it is not repeatable and specific to a machine: the processor's name is
    an option, so that stored values of different machines are never mixed. Values of the same machine are stored like
    any score; resume=False measures again.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    deterministic: ClassVar[bool] = False

    n_images: int = 1
    n_repeats: int = 10
    machine: str = field(default_factory=processor)

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "n_repeats")

    @torch.no_grad()
    def measure(self, private: PrivateNetwork) -> float:
        """Higher is better; below 0."""
        network = private.network(training=False)
        images = private.noise(self.n_images)
        run(network, images)  # warm-up
        on_gpu = private.device.type == "cuda"
        clock = perf_counter if on_gpu else thread_time
        seconds = []
        for _ in range(self.n_repeats):
            started = clock()
            run(network, images)
            if on_gpu:
                torch.cuda.synchronize(private.device)
            seconds.append(clock() - started)
        return -min(seconds)
