"""Per-image gradients in one batched pass, against one backward pass for each image."""

from collections.abc import Iterator
from time import thread_time

import torch
from torch import nn

from harness.engine import score, single_thread
from harness.perf.figure import Bench, Figure
from harness.progress import Progress
from harness.proxy import PROXIES
from harness.space import Architecture

_NTK_IMAGES = 72  # ntk_cond's own default


def per_image_against_loop(bench: Bench) -> Iterator[Figure]:
    """How many times faster gradsign and ntk_cond are than a loop of backward passes over the same images."""
    spent = dict.fromkeys(("gradsign", "gradsign loop", "ntk_cond", "ntk_cond loop"), 0.0)
    n_images = {"gradsign": bench.batch_size, "ntk_cond": min(bench.batch_size, _NTK_IMAGES)}
    with single_thread(), Progress("per-image gradients", bench.n_cells, "networks") as progress:
        for cell in bench.cells:
            canonical = bench.setting.space.canonical(cell)
            for name in n_images:
                started = thread_time()
                score(bench.setting, canonical, "live", {name: PROXIES.get(name)()})
                spent[name] += thread_time() - started
                started = thread_time()
                _loop(bench, canonical, n_images[name], training=name == "gradsign")
                spent[f"{name} loop"] += thread_time() - started
            progress.advance()
    for name in n_images:
        loop = f"{name} loop"
        yield Figure("per_sample", f"{name} as it is", spent[name] / bench.n_cells, "CPU s per network")
        yield Figure("per_sample", f"{name}, a pass per image", spent[loop] / bench.n_cells, "CPU s per network")
        yield Figure("per_sample", f"{name}, gain", spent[loop] / spent[name], "times as fast", 5.0, at_most=False)


def _loop(bench: Bench, arch: Architecture, n_images: int, *, training: bool) -> None:
    """The weight gradients of each image by itself, as one writes it down first; what is made of them costs little."""
    setting = bench.setting
    network = setting.space.network(arch, setting.data_set, execute="live", seed=setting.seed).train(training)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    batch = setting.batches[0]
    for index in range(n_images):
        image, target = batch.images[index : index + 1], batch.targets[index : index + 1]
        outputs = network(image.contiguous(memory_format=torch.channels_last))
        loss = setting.data_set.loss(outputs, target) if training else outputs.sum()
        torch.autograd.grad(loss, weights, allow_unused=True)
