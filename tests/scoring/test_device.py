"""Scoring on a GPU: what can be known without one, and equal scores where there is one."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness import Settings, evaluate
from harness.inputs import Batch, InputKind
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring import ContextSpec
from harness.scoring.engine import score

SPEC = ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(batch_size=4), 0, "cpu")
# Operations whose result the host must know before it can go on: on a GPU each waits for all that is under way.
WAITING = ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::masked_select")


class Waits(TorchDispatchMode):
    """Counts the operations of `WAITING`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = operation.name()
        by_mask = name == "aten::index.Tensor" and any(i is not None and i.dtype is torch.bool for i in args[1])
        self.seen.update([name] if by_mask or name.startswith(WAITING) else [])
        return operation(*args, **(kwargs or {}))


GRADIENTS = ("grad_norm", "grad_norm_global", "snip", "plain", "grasp", "fisher", "zico", "zico_paper", "zico_bc")
OTHERS = ("synflow", "logsynflow", "l2_norm", "naswot", "naswot_nb201", "naswot_original", "jacob_cov", "epe_nas")


@pytest.mark.parametrize("name", GRADIENTS + OTHERS)
def test_the_host_does_not_wait_for_each_layer(name):
    """As often for a network of 15 cells as for one of 3, and no more than once."""
    waits = {}
    for data_set in ("digits", "cifar10"):
        context = replace(SPEC, data_set=data_set).make(with_batches=True)
        with Waits() as seen:
            score(context, context.space.architectures[5], "live", {name: PROXIES.get(name)()})
        waits[data_set] = sum(seen.seen.values())
    assert waits["digits"] == waits["cifar10"] <= 1


def test_waiting_is_seen():
    with Waits() as seen:
        torch.ones(3).sum().item()
        torch.ones(3)[torch.ones(3) > 0]
    assert sum(seen.seen.values()) == 2


def test_batches_are_moved_once_for_all_networks(monkeypatch):
    moved = []
    monkeypatch.setattr(Batch, "to", lambda batch, device: moved.append(device) or batch)
    context = SPEC.make(with_batches=True)
    for arch in context.space.architectures[:3]:
        score(context, arch, "live", {"zico": PROXIES.get("zico")()})
    assert moved == [torch.device("cpu")] * context.protocol.n_batches


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_scores_on_a_gpu_with_two_workers_equal_those_on_the_cpu(tmp_path):
    protocol = Protocol(batch_size=8, dtype=Precision.fp64)
    found = [
        evaluate(
            ["zico", "grad_norm", "synflow", "naswot"],
            settings=Settings(
                sample=8, protocol=protocol, device=device, workers=2, store=tmp_path / device, out=tmp_path / "out"
            ),
        ).scores["nats_tss", "digits"]
        for device in ("cpu", "cuda")
    ]
    names = ["zico", "grad_norm", "synflow", "naswot"]
    assert torch.allclose(*(torch.from_numpy(table[names].to_numpy()) for table in found), rtol=1e-8)
