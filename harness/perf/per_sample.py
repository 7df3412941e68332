"""Per-image gradients in one batched pass, compared with one backward pass per image."""

from collections.abc import Iterator
from time import thread_time

import torch
from torch import nn

from harness.perf.figure import Bench, Figure
from harness.progress import Progress
from harness.proxy import PROXIES
from harness.scoring.arithmetic import single_thread
from harness.scoring.engine import score
from harness.space import Architecture, Execute

_NTK_IMAGES = 72  # ntk_cond's own default
_LOOPS: dict[Execute, str] = {"live": "a pass per image", "all": "a pass per image over every operation"}


def per_image_against_loop(bench: Bench) -> Iterator[Figure]:
    """The speed-up of gradsign and ntk_cond over a loop of backward passes over the same images.

    The loop runs on the network that the proxy uses (live operations), and on the network of public code, which
    executes every operation, channels first.
    """
    n_images = {"gradsign": bench.batch_size, "ntk_cond": min(bench.batch_size, _NTK_IMAGES)}
    spent = {name: dict.fromkeys(("own", *_LOOPS), 0.0) for name in n_images}
    with single_thread(), Progress("per-image gradients", bench.n_cells, "networks") as progress:
        for cell in bench.cells:
            canonical = bench.context.space.canonical(cell)
            for name, n in n_images.items():
                started = thread_time()
                score(bench.context, canonical, "live", {name: PROXIES.get(name)()})
                spent[name]["own"] += thread_time() - started
                for execute in _LOOPS:
                    started = thread_time()
                    _loop(bench, canonical if execute == "live" else cell, execute, n, training=name == "gradsign")
                    spent[name][execute] += thread_time() - started
            progress.advance()
    for name, seconds in spent.items():
        yield Figure("per_sample", f"{name} as it is", seconds["own"] / bench.n_cells, "CPU s per network")
        for execute, loop in _LOOPS.items():
            yield Figure("per_sample", f"{name}, {loop}", seconds[execute] / bench.n_cells, "CPU s per network")
        for execute, loop in _LOOPS.items():
            gain = seconds[execute] / seconds["own"]
            yield Figure("per_sample", f"{name}, gain over {loop}", gain, "times as fast", 5.0, at_most=False)


def _loop(bench: Bench, arch: Architecture, execute: Execute, n_images: int, *, training: bool) -> None:
    """The weight gradients of each image in a straightforward loop; the cost of using them is negligible."""
    context = bench.context
    network = context.space.network(arch, context.data_set, execute=execute, seed=context.seed).train(training)
    layout = torch.channels_last if execute == "live" else torch.contiguous_format
    network = network.to(memory_format=layout)  # type: ignore[call-overload]
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    batch = context.batches[0]
    for index in range(n_images):
        image, target = batch.images[index : index + 1], batch.targets[index : index + 1]
        outputs = network(image.contiguous(memory_format=layout))
        loss = context.data_set.loss(outputs, target) if training else outputs.sum()
        torch.autograd.grad(loss, weights, allow_unused=True)
