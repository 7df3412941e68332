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
    """Minus the seconds of one inference: the least of several, without gradients, normalisation by running statistics.

    More time makes no network better, so the sign is turned to have higher mean better, as a budget sees it: a negative
    correlation with accuracy says that slower networks are the better ones. On a CPU the seconds are those of one
    thread, on a GPU those of the clock. Every operation runs, dead ones too. It is a measurement, so it is not
    repeatable, and belongs to a machine: the processor's name is an option, so that stored values of two machines are
    never mixed. The same machine's are kept like any score; resume=False measures again.
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
        run(network, images)  # the first pass also prepares
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
