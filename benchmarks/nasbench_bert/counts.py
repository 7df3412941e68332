"""Counts of a NAS-Bench-BERT network without building it, row by row what `harness.space.tracing` finds.

FLOPs are multiply-accumulates of products and convolutions. Fourier transforms are not counted, as torch counts none.
"""

from collections.abc import Iterator

from benchmarks.inputs.glue import LONGEST, VOCABULARY
from benchmarks.nasbench_bert.network import EMBEDDING_WIDTH, N_TYPES
from benchmarks.nasbench_bert.operations import kernel_of, mixed_heads
from benchmarks.nasbench_bert.structure import LayerPlan, Plan
from harness.space import Layer


def layers(plan: Plan, length: int) -> Iterator[Layer]:
    """A row for each parameter, without FLOPs, and for each operation with FLOPs, for sequences of `length` tokens."""
    for n_rows in (VOCABULARY, LONGEST, N_TYPES):
        yield _weight(n_rows * EMBEDDING_WIDTH)
    yield from _norm(EMBEDDING_WIDTH)
    if plan.hidden != EMBEDDING_WIDTH:
        yield from _linear(EMBEDDING_WIDTH, plan.hidden, length)
    for layer in plan.layers:
        yield from _operation(layer, plan.hidden, length)
        before = plan.hidden
        for width in (*layer.widths, plan.hidden):
            yield from _linear(before, width, length)
            before = width
        yield from _norm(plan.hidden)


def depth(plan: Plan) -> int:
    """Products with a weight on the longest path."""
    return int(plan.hidden != EMBEDDING_WIDTH) + sum(_depth(layer) for layer in plan.layers)


def _depth(layer: LayerPlan) -> int:
    of_operation = {"SA-SDP": 2, "SA-WMA": 3, "LT-DFT": 1, "LT-DCT": 1}
    # Two convolutions, the kernels, the output.
    return of_operation.get(layer.operation, 4) + len(layer.widths) + 1


def _operation(layer: LayerPlan, hidden: int, length: int) -> Iterator[Layer]:
    if layer.operation.startswith("LT-"):
        yield from _linear(hidden, hidden, length)
        return
    kernel = kernel_of(layer.operation)
    width = hidden
    if kernel:
        heads = mixed_heads(layer.heads)
        width = heads * hidden // layer.heads
        yield _weight(hidden * kernel, convolution=True)
        yield _product(length * hidden * kernel)
        yield _weight(hidden * width, convolution=True)
        yield _product(length * hidden * width)
        yield _other(width)
        yield from _linear(width, heads * kernel, length)
        yield from _linear(hidden, width, length)
        yield _product(length * width * kernel)
    for _ in range(3):
        yield from _linear(hidden, width, length)
    if layer.operation == "SA-WMA":
        yield _weight(hidden * hidden)
        yield _product(length * hidden * hidden)
    for _ in range(2):
        yield _product(length * length * width)
    yield from _linear(hidden, hidden, length)
    yield from _norm(hidden)


def _linear(n_in: int, n_out: int, length: int) -> Iterator[Layer]:
    yield _weight(n_in * n_out)
    yield _other(n_out)
    yield _product(length * n_in * n_out)


def _norm(width: int) -> Iterator[Layer]:
    yield _other(width)
    yield _other(width)


def _weight(n: int, *, convolution: bool = False) -> Layer:
    return Layer(n, n, 0, live=True, is_linear=not convolution)


def _other(n: int) -> Layer:
    return Layer(0, n, 0, live=True, is_linear=True)


def _product(flops: int) -> Layer:
    return Layer(0, 0, flops, live=True, is_linear=True)
