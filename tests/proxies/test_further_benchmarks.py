"""Proxies on networks with depthwise convolutions, squeeze-and-excitation and parallel resolutions: finite numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture
from harness.store import OK

NAMES = ("zico", "synflow", "naswot", "swap", "snip", "grad_norm", "jacob_cov")
COUNTS = ("params", "flops", "flops_live", "flops_full", "depth", "n_convs_live", "sum_log_layer_size")
SIZE = 64  # pixels: a smaller image than the benchmark's own keeps this quick

PLAIN, SQUEEZED = "e1k3l1s0;" * 6 + "e1k3l1s0", "e4k5l1s1;" * 6 + "e4k5l1s1"
SMALL = "8_8-1_1_1_8-1_2_1_1_8_8-1_3_1_1_1_8_8_8-1_4_1_1_1_1_8_8_8_8-8"
DEEPER = "16_16-2_1_1_16-1_2_2_1_8_16-2_3_1_1_1_8_8_8-1_4_1_2_1_1_8_8_8_8-16"
CASES = [
    *(("nasbench_macro", "cifar10", arch) for arch in ("10101010", "02012100", "21120001")),
    *(("mnasnet", "imagenet", arch) for arch in (PLAIN, SQUEEZED, PLAIN.replace("e1k3", "e4k3", 2))),
    *(("nasbench_mr", name, arch) for name in ("cls_10_1000", "seg") for arch in (SMALL, DEEPER)),
]


def context(bench: str, name: str) -> ScoringContext:
    data_set = DATA_SETS.get(name)
    size = min(SIZE, data_set.shape[1])
    cut = replace(data_set, shape=(data_set.shape[0], size, size))
    batches = tuple(draw_batches(cut, BatchRequest(InputKind.noise, n_batches=2, batch_size=4)))
    protocol = Protocol(name="small", n_batches=2, batch_size=4)
    return ScoringContext(BENCHMARKS.get(bench), cut, protocol, seed=0, batches=batches, device=torch.device("cpu"))


@pytest.mark.long
@pytest.mark.parametrize(("bench", "name", "arch"), CASES)
def test_proxies_and_counts_are_finite_numbers(bench, name, arch):
    arch = BENCHMARKS.get(bench).canonical(Architecture(arch))
    chosen = {proxy: PROXIES.get(proxy)() for proxy in (*NAMES, *COUNTS)}
    found = score(context(bench, name), arch, "live", chosen)
    has_classes = name != "seg"
    for proxy in chosen:
        if proxy == "jacob_cov" and not has_classes:
            continue
        assert found[proxy].status == OK, f"{proxy}: {found[proxy].reason}"
        assert all(np.isfinite(value) for value in found[proxy].components.values()), proxy


def test_scores_of_different_networks_differ():
    scores = [
        score(context("nasbench_macro", "cifar10"), Architecture(arch), "live", {"zico": PROXIES.get("zico")()})["zico"]
        for arch in ("10101010", "02012100")
    ]
    assert len({tuple(one.components.values()) for one in scores}) == 2
