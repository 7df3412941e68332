"""Every proxy on every kind of network, on a device that is not the CPU: none fails, scores are those of the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch.utils.backend_registration as backends

HERE = Path(__file__).parent
CASES = [
    ("nats_tss", "digits"),
    pytest.param("nats_sss", "cifar10", marks=pytest.mark.long),
    pytest.param("nasbench_macro", "cifar10", marks=pytest.mark.long),  # grouped convolutions
    pytest.param("nasbench_bert", "glue", marks=pytest.mark.long),  # attention, tokens
]

pytestmark = pytest.mark.skipif(
    not hasattr(backends, "_setup_privateuseone_for_python_backend"),
    reason="a device of Python alone came with torch 2.9",
)


@pytest.mark.parametrize(("bench", "data_set"), CASES)
def test_no_proxy_fails_and_scores_are_those_of_the_cpu(bench, data_set):
    words = [sys.executable, "-W", "ignore", str(HERE / "imitated_device.py"), bench, data_set]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {}


MIXING = """
import torch
MIXTURES = (
    "here + there",
    "there.numpy()",
    "torch.stack([here, there])",
    "there[here > 0] + here",
    "here[there > 0]",
    "torch.randn(3, device=DEVICE, generator=torch.Generator())",
)
from imitated_device import DEVICE, ImitatedDevice
with ImitatedDevice():
    here, there = torch.ones(3), torch.ones(3, device=DEVICE)
    print(float((there + 1).sum()), (there * 2).cpu().numpy().tolist())
    for what in MIXTURES:
        try:
            eval(what)
        except (RuntimeError, TypeError) as error:
            print(what, "fails:", error)
"""


def test_what_fails_on_a_gpu_fails_there():
    done = subprocess.run([sys.executable, "-c", MIXING], cwd=HERE, capture_output=True, text=True, check=True)
    first, *others = done.stdout.splitlines()
    assert first == "6.0 [2.0, 2.0, 2.0]"
    assert len(others) == 6
    assert sum("same device" in line for line in others) == 4
    assert "Use Tensor.cpu() first" in others[1]
    assert "for generator but found cpu" in others[-1]
