"""ZiCo's passes compared with eager execution, and with the machine's peak convolution throughput."""

from collections import Counter
from collections.abc import Iterator
from time import thread_time

import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence import WeightGradients
from harness.perf.figure import Bench, Figure
from harness.progress import Progress
from harness.protocol import Precision
from harness.proxy import PROXIES
from harness.scoring.arithmetic import single_thread
from harness.scoring.engine import score
from harness.space import Architecture

_BACKWARD = 2  # each of a convolution's two gradients costs as many multiply-accumulates as its forward pass
_PER_MAC = 2


def zico_against_eager(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of ZiCo in fp32 and bf16, relative to an eager channels-first network that runs all operations."""
    proxies = {"zico": PROXIES.get("zico")()}
    half = bench.spec(Precision.bf16).make(with_batches=True)
    seconds = dict.fromkeys(("eager", "fp32", "bf16"), 0.0)
    values: dict[str, list[float]] = {"fp32": [], "bf16": []}
    with single_thread(), Progress("zico against eager", bench.n_cells, "networks") as progress:
        plain_zico(bench, bench.cells[0])  # the first pass of a process includes initialisation of the library
        for cell in bench.cells:
            canonical = bench.context.space.canonical(cell)
            started = thread_time()
            plain_zico(bench, cell)
            seconds["eager"] += thread_time() - started
            for name, context in (("fp32", bench.context), ("bf16", half)):
                started = thread_time()
                found = score(context, canonical, "live", proxies)["zico"]
                seconds[name] += thread_time() - started
                values[name].append(found.components.get("zico", float("nan")))
            progress.advance()
    group = "zico"
    yield Figure(group, "plain eager channels-first network", seconds["eager"] / bench.n_cells, "CPU s per network")
    yield Figure(group, "zico in fp32", seconds["fp32"] / bench.n_cells, "CPU s per network")
    yield Figure(group, "zico in bf16", seconds["bf16"] / bench.n_cells, "CPU s per network")
    yield Figure(group, "fp32 over eager", seconds["fp32"] / seconds["eager"], "ratio", target=0.5)
    yield Figure(group, "bf16 over eager", seconds["bf16"] / seconds["eager"], "ratio", target=0.35)
    rank = float(spearmanr(values["fp32"], values["bf16"]).statistic)
    yield Figure(group, "Spearman of bf16 with fp32 scores", rank, "rho", target=0.99, at_most=False)


def plain_zico(bench: Bench, cell: Architecture) -> float:
    """A straightforward ZiCo: every operation executed, default memory layout, one ReLU per convolution."""
    context = bench.context
    network = context.space.network(cell, context.data_set, execute="all", seed=context.seed)
    _pool_as_pytorch(network.to(context.device))
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    gradients = WeightGradients()
    for batch in context.batches:
        loss = context.data_set.loss(network(batch.images), batch.targets)
        found = torch.autograd.grad(loss, [layer.weight for layer in layers.values()], allow_unused=True)
        gradients.add({name: value for name, value in zip(layers, found, strict=True) if value is not None})
    return float(PROXIES.get("zico")().measure(gradients))


def _pool_as_pytorch(network: nn.Module) -> None:
    """Replace fast average pooling by PyTorch's own."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.AvgPool2d):
                sizes = (child.kernel_size, child.stride, child.padding, child.ceil_mode, child.count_include_pad)
                setattr(parent, name, nn.AvgPool2d(*sizes))


def convolution_peak(bench: Bench) -> Iterator[Figure]:
    """FLOP/s of forward and backward passes, and of their convolutions alone on preallocated tensors."""
    passes_s = convolutions_s = flops = 0.0
    images = bench.context.batches[0].images
    with single_thread(), Progress("convolution peak", bench.n_cells, "networks") as progress:
        for cell in bench.cells:
            network = bench.context.space.network(cell, bench.context.data_set, execute="live", seed=bench.seed)
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            shapes = _shapes(network, images[:1])
            passes_s += _pass_seconds(network, bench)
            for (shape, kernel, stride, n_out), repeats in shapes.items():
                elapsed, macs = _convolution(len(images), shape, kernel, stride, n_out)
                convolutions_s += repeats * elapsed
                flops += repeats * macs * _PER_MAC * (1 + _BACKWARD)
            progress.advance()
    group = "peak"
    yield Figure(group, "convolutions alone, forward and backward", flops / convolutions_s / 1e9, "GFLOP/s")
    yield Figure(group, "whole forward and backward passes", flops / passes_s / 1e9, "GFLOP/s")
    yield Figure(group, "share of the passes that convolutions take", convolutions_s / passes_s, "ratio")


Shape = tuple[tuple[int, ...], int, int, int]


def _shapes(network: nn.Module, image: Tensor) -> Counter[Shape]:
    """The number of calls of each kind of convolution: shape of one input, kernel, stride, output channels."""
    found: Counter[Shape] = Counter()

    def see(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.Conv2d)
        found[tuple(inputs[0].shape[1:]), module.kernel_size[0], module.stride[0], module.out_channels] += 1

    hooks = [module.register_forward_pre_hook(see) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(image)
    network.train()
    for hook in hooks:
        hook.remove()
    return found


def _pass_seconds(network: nn.Module, bench: Bench) -> float:
    batch = bench.context.batches[0]
    images = batch.images.contiguous(memory_format=torch.channels_last)
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    started = thread_time()
    loss = bench.context.data_set.loss(network(images), batch.targets)
    torch.autograd.grad(loss, weights, allow_unused=True)
    return thread_time() - started


def _convolution(n: int, shape: tuple[int, ...], kernel: int, stride: int, n_out: int) -> tuple[float, int]:
    """CPU seconds of one convolution (forward and both gradients), and its multiply-accumulates (forward)."""
    images = torch.randn(n, *shape).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(n_out, shape[0], kernel, kernel).contiguous(memory_format=torch.channels_last).requires_grad_()
    flowing: Tensor | None = None
    elapsed = 0.0
    for _ in range(2):  # warm-up
        started = thread_time()
        out = F.conv2d(images, weight, stride=stride, padding=kernel // 2)
        elapsed = thread_time() - started
        flowing = torch.randn_like(out)
        started = thread_time()
        torch.autograd.grad(out, [images, weight], flowing)
        elapsed += thread_time() - started
    assert flowing is not None
    return elapsed, weight.numel() * flowing.numel() // n_out
