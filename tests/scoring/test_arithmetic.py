"""How a process computes while it scores, and what of it a machine without a GPU shows."""

from operator import attrgetter

import pytest
import torch

from harness.errors import OptionError
from harness.evidence import WeightGradients
from harness.inputs import InputKind
from harness.protocol import Precision, Protocol
from harness.proxy import Proxy
from harness.randomness import isolated
from harness.scoring import ContextSpec
from harness.scoring.arithmetic import products, products_of, set_products
from harness.scoring.engine import score

SPEC = ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(batch_size=4), 0, "cpu")


@pytest.fixture
def as_torch_begins():
    """The settings with which torch begins, and begins again."""
    before = products()
    torch.backends.cudnn.allow_tf32 = True
    yield
    set_products(before)


def is_tf32() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


def test_torch_begins_with_convolutions_in_tensor_float_32():
    assert torch.backends.cudnn.allow_tf32  # the reason for what is tested here


@pytest.mark.usefixtures("as_torch_begins")
@pytest.mark.parametrize(("precision", "expected"), [("fp32", False), ("bf16", False), ("fp64", False), ("tf32", True)])
def test_products_on_gpus_are_as_the_protocol_says(precision, expected):
    before = is_tf32()
    with products_of(Precision(precision)):
        assert is_tf32() == (expected, expected)
        assert torch.backends.cudnn.deterministic
    assert is_tf32() == before
    assert not torch.backends.cudnn.deterministic


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="the newer switches came with torch 2.9")
@pytest.mark.usefixtures("as_torch_begins")
@pytest.mark.parametrize("owner", ["", ".cudnn", ".cudnn.conv", ".cuda.matmul", ".mkldnn"])
@pytest.mark.parametrize("value", ["tf32", "ieee"])
def test_products_chosen_by_the_newer_switches_are_as_the_protocol_says_and_come_back(owner, value):
    attrgetter(f"backends{owner}")(torch).fp32_precision = value
    before = products()
    with products_of(Precision.fp32):
        assert products() == (False, "highest", dict.fromkeys(before.newer, "ieee"))
    assert products() == before


@pytest.mark.usefixtures("as_torch_begins")
def test_proxies_are_measured_so():
    class Looking(Proxy):
        def measure(self, gradients: WeightGradients) -> float:
            return float(any(is_tf32()))

    context = SPEC.make(with_batches=True)
    found = score(context, context.space.architectures[5], "live", {"looking": Looking()})["looking"]
    assert found.components == {"looking": 0.0}, found.reason
    assert any(is_tf32())


def test_tensor_float_32_is_of_gpus():
    assert Protocol(dtype=Precision.tf32).key != Protocol().key
    with pytest.raises(OptionError, match=r"protocol\.dtype=tf32 is invalid with device=cpu"):
        ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(dtype=Precision.tf32), 0, "cpu")
    ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(dtype=Precision.tf32), 0, "cuda:1")


def test_a_run_on_the_cpu_leaves_the_gpus_of_the_machine_alone(monkeypatch):
    def begun(*_: object) -> None:
        raise AssertionError("a context on a GPU")

    for name in ("get_rng_state", "set_rng_state"):
        monkeypatch.setattr(torch.cuda, name, begun)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda *_: torch.device("cuda"), raising=False)
    with isolated("anything"):
        inside = torch.rand(1)
    with isolated("anything"):
        assert torch.equal(torch.rand(1), inside)


def test_generators_of_gpus_in_use_are_as_before(monkeypatch):
    generators = (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    expected = [torch.rand(3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    with isolated("anything"):
        for one in generators:
            one.manual_seed(7)
            torch.rand(5, generator=one)
    assert all(torch.equal(torch.rand(3, generator=g), e) for g, e in zip(generators, expected, strict=True))
