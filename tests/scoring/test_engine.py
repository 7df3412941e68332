"""The engine: passes are shared, failures are rows, nothing outside the network is touched."""

import random
import re
from dataclasses import dataclass, replace
from itertools import permutations
from typing import ClassVar

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.evidence import EVIDENCE, FirstBatchGradients, InputGradients, Layers, ReluCodes, WeightCurvature
from harness.evidence.base import ScoringContext, Subject
from harness.evidence.task import TaskEvidence
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, compute, missing_units
from harness.scoring.engine import score, score_counts
from harness.scoring.proxy_spec import ProxySpec
from harness.space import BENCHMARKS, Layer
from harness.store import FAILED, OK, UNDEFINED, ScoreStore

SPACE, DIGITS = BENCHMARKS.get("nats_tss"), DATA_SETS.get("digits")
ARCH = SPACE.architectures[11]
WITHOUT_UNDERFLOW = {"epsinas"}  # its weights of 1e-7 make features that are 0 in float32, so undefined
NAMES = tuple(name for name in PROXIES if PROXIES.get(name).deterministic)


def context(protocol: Protocol | None = None, seed: int = 0) -> ScoringContext:
    batches = draw_batches(DIGITS, BatchRequest(InputKind.noise, 2, 8, seed)).batches
    return ScoringContext(SPACE, DIGITS, protocol or Protocol(batch_size=8), seed, batches, torch.device("cpu"))


def made(*names: str) -> dict[str, Proxy]:
    few = {"n_repeats": 2}  # where a proxy repeats itself more often by default
    classes = {name: PROXIES.get(name) for name in names or NAMES}
    return {name: proxy(**few) if hasattr(proxy, "n_repeats") else proxy() for name, proxy in classes.items()}


@dataclass(frozen=True)
class Asking(Proxy):
    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE


@dataclass(frozen=True)
class Raising(Asking):
    def measure(self, gradients: FirstBatchGradients) -> float:
        raise ValueError("no such thing\nsecond line")


@dataclass(frozen=True)
class NotANumber(Asking):
    def measure(self, layers: Layers) -> float:
        return float("nan")


@dataclass(frozen=True)
class HasNone(Asking):
    def measure(self, layers: Layers) -> float:
        raise Undefined("only for cells with concatenation")


@dataclass(frozen=True)
class Drawing(Asking):
    def measure(self, gradients: FirstBatchGradients) -> dict[str, float]:
        return {"torch": torch.rand(()).item(), "python": random.random(), "numpy": float(np.random.rand())}


@dataclass(frozen=True)
class OutOfMemory(Asking):
    def measure(self, layers: Layers) -> float:
        raise torch.OutOfMemoryError("no memory")


@pytest.mark.long
@pytest.mark.parametrize("dtype", [Precision.fp32, Precision.bf16])
def test_scores_do_not_depend_on_the_proxies_beside(dtype):
    here = context(Protocol(batch_size=8, dtype=dtype))
    together = score(here, ARCH, "live", made())
    for name in NAMES:
        alone = score(here, ARCH, "live", made(name))[name]
        assert alone.components == together[name].components
        assert alone.status == together[name].status
        assert alone.status == OK or (alone.status == UNDEFINED and alone.reason)


@pytest.mark.parametrize(
    ("bench", "data_set", "place"), [("nats_sss", "ImageNet16-120", 5_000), ("transnas_macro", "room_layout", 0)]
)
def test_gradients_do_not_depend_on_what_else_the_pass_is_asked_for(bench, data_set, place):
    space, images = BENCHMARKS.get(bench), DATA_SETS.get(data_set)
    batches = draw_batches(images, BatchRequest(InputKind.noise, 2, 2, 0)).batches
    small = tuple(replace(batch, images=batch.images[..., :16, :16]) for batch in batches)
    here = ScoringContext(space, images, Protocol(batch_size=2), 0, small, torch.device("cpu"))
    arch = space.architectures[place]
    proxies = made("zico", "naswot", "fisher", "jacob_cov", "grad_norm_global", "grasp")
    together = score(here, arch, "live", proxies)
    for name, proxy in proxies.items():
        alone = score(here, arch, "live", {name: proxy})[name]
        assert (alone.components, alone.status) == (together[name].components, together[name].status)


def test_counting_many_at_once_gives_the_same_bits_as_one_by_one():
    counts = made("params", "params_live", "flops", "flops_live", "sum_log_layer_size")
    archs = SPACE.architectures[:300]
    at_once = score_counts(context(), archs, counts)
    one_by_one = [score(context(), arch, "all", counts) for arch in archs]
    assert at_once is not None
    for several, single in zip(at_once, one_by_one, strict=True):
        assert {name: entry.components for name, entry in several.items()} == {
            name: entry.components for name, entry in single.items()
        }


def test_equal_layers_in_another_order_are_a_tie():
    # 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit
    layers = [Layer(n_weights=weights, n_params=0, flops=0, live=True) for weights in (3, 7, 11, 13, 17)]
    sizes = PROXIES.get("sum_log_layer_size")()
    orders = {sizes.measure(Layers.of(order)).item() for order in permutations(layers)}
    assert len(orders) == 1


def test_what_cannot_be_counted_at_once_is_left_to_the_engine():
    for proxy in (Raising(), NotANumber(), HasNone()):
        assert score_counts(context(), SPACE.architectures[:3], {"odd": proxy}) is None


def test_a_pass_runs_once_for_all_that_ask(monkeypatch):
    forwards = []
    network_of = SPACE.network

    def counted(*arguments, **settings):
        network = network_of(*arguments, **settings)
        network.stem.register_forward_hook(lambda *_: forwards.append(1))
        return network

    monkeypatch.setattr(SPACE, "network", counted)
    score(context(), ARCH, "live", made("zico", "grad_norm", "naswot"))
    assert len(forwards) == 2  # one for each batch
    forwards.clear()
    score(context(), ARCH, "live", made("fisher", "grasp", "snip", "plain", "jacob_cov", "epe_nas", "grad_norm_global"))
    assert len(forwards) == 1
    forwards.clear()
    score(context(), ARCH, "live", made("grad_norm", "naswot"))
    assert len(forwards) == 1


def test_failures_are_rows_and_the_others_go_on():
    proxies = {"raising": Raising(), "nan": NotANumber(), "none": HasNone(), **made("grad_norm")}
    found = score(context(), ARCH, "live", proxies)
    assert found["raising"].status == FAILED
    assert re.fullmatch(r"ValueError: no such thing \(test_engine\.py, line \d+\)", found["raising"].reason)
    assert (found["nan"].status, found["nan"].reason) == (FAILED, "the value is NaN")
    assert (found["none"].status, found["none"].reason) == (UNDEFINED, "only for cells with concatenation")
    assert found["grad_norm"].status == OK


def test_running_out_of_memory_is_no_result():
    with pytest.raises(torch.OutOfMemoryError):
        score(context(), ARCH, "live", {"greedy": OutOfMemory()})


def test_running_out_of_memory_ends_a_run_in_one_sentence_and_stores_nothing(tmp_path, monkeypatch):
    def out_of_memory(self, layers: Layers) -> float:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes\nmore")

    monkeypatch.setattr(PROXIES.get("params"), "measure", out_of_memory)
    run = ScoringRun(
        ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(), 0, "cpu"), (ProxySpec("params"),), None
    )
    with ScoreStore(tmp_path / "scores.sqlite") as store:
        units = missing_units(run, [ARCH], store, ExecutionOptions(workers=1))
        with pytest.raises(HarnessError, match=r"allocate 1 bytes\. No score was stored"):
            compute(run, units, store, ExecutionOptions(workers=1))
        assert store.find(run.key(run.specs[0])) == {}


def test_the_global_generators_are_left_alone_and_draws_are_repeatable():
    states = [torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()]
    first = score(context(), ARCH, "live", {"drawing": Drawing(), **made("zico")})["drawing"]
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert (states[2] == np.random.get_state()[1]).all()
    torch.rand(3)
    assert first.components == score(context(), ARCH, "live", {"drawing": Drawing()})["drawing"].components


RIDERS = [kind for kind in map(EVIDENCE.get, EVIDENCE) if issubclass(kind, TaskEvidence)]


def test_hooks_are_removed():
    subject = Subject(context(), ARCH, "live")
    TaskEvidence.collect_all(subject, RIDERS)
    for module in subject.network.modules():
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
        assert not module._backward_hooks


def test_the_task_pass_leaves_network_and_batches_as_they_were():
    subject = Subject(context(), ARCH, "live")
    before = [parameter.clone() for parameter in subject.network.parameters()]
    TaskEvidence.collect_all(subject, RIDERS)
    for parameter, old in zip(subject.network.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
        assert parameter.grad is None
        assert parameter.requires_grad
    for batch in subject.context.batches:
        assert not batch.images.requires_grad
        assert batch.images.grad is None


def test_a_pass_costs_those_that_need_it():
    subject = Subject(context(), ARCH, "live")
    codes, first, curvature, inputs = TaskEvidence.collect_all(
        subject, [ReluCodes, FirstBatchGradients, WeightCurvature, InputGradients]
    )
    assert 0 < codes.seconds < first.seconds < curvature.seconds
    assert codes.seconds < inputs.seconds


def test_the_hessian_is_that_of_finite_differences():
    # (g(w + e w) - g(w - e w)) / 2e tends to H w; in float64,
    # with a step so short that no ReLU switches.
    subject = Subject(context(Protocol(batch_size=8, dtype=Precision.fp64)), ARCH, "live")
    curvature, gradients = TaskEvidence.collect_all(subject, [WeightCurvature, FirstBatchGradients])
    weights = {name: subject.network.get_submodule(name).weight for name in gradients.layers}
    start = {name: weight.detach().clone() for name, weight in weights.items()}
    sides = []
    for step in (1e-9, -2e-9):
        with torch.no_grad():
            for name, weight in weights.items():
                weight += step * start[name]
        (moved,) = TaskEvidence.collect_all(subject, [FirstBatchGradients])
        sides.append(moved.layers)
    for name, product in curvature.layers.items():
        difference = (sides[0][name][0] - sides[1][name][0]) / 2e-9
        assert torch.allclose(product, difference, rtol=1e-3, atol=1e-3 * product.abs().max().item())


def test_threads_are_given_back():
    before = torch.get_num_threads()
    score(context(), ARCH, "live", made("synflow"))
    assert torch.get_num_threads() == before


@pytest.mark.long
@pytest.mark.parametrize(
    "protocol",
    [
        Protocol(batch_size=8, dtype=Precision.bf16),
        Protocol(batch_size=8, dtype=Precision.fp64),
        Protocol(batch_size=8, mode=Mode.eval),
    ],
)
def test_protocols_change_the_arithmetic_a_little_but_score_all(protocol):
    reference = score(context(), ARCH, "live", made())
    found = score(context(protocol), ARCH, "live", made())
    differ = {name for name, entry in found.items() if entry.status != reference[name].status}
    assert differ == (WITHOUT_UNDERFLOW if protocol.dtype is Precision.fp64 else set())
    assert {entry.status for entry in found.values()} <= {OK, UNDEFINED}
    assert found["synflow"].components["synflow"] == pytest.approx(reference["synflow"].components["synflow"], rel=0.02)


def test_float64_confirms_float32():
    proxies = made("zico", "grad_norm", "naswot")
    single = score(context(), ARCH, "live", proxies)
    double = score(context(Protocol(batch_size=8, dtype=Precision.fp64)), ARCH, "live", proxies)
    for name, entry in single.items():
        assert entry.components[name] == pytest.approx(double[name].components[name], rel=1e-3)
