"""What a GPU computes, and how fast, in stages that each keep what they have finished.

    python -m harness.perf.gpu correctness speed profile --out results/gpu --seconds 300

The same command goes on from the stores of scores in OUT/stores. `--device cpu` tries the stages without a GPU.
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shutil import which

import torch

from harness.errors import HarnessError
from harness.perf.figure import Figure
from harness.perf.figure_tables import write_figures
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.commands import papers, search, whole
from harness.perf.gpu.correctness import correctness, device_tests, reference
from harness.perf.gpu.speed import profile, speed
from harness.perf.gpu.training import training
from harness.registry import unknown_name
from harness.report.tables import amount_text
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.workers import faults_told
from harness.settings import check_device

STAGES: dict[str, Callable[[Stage], Iterator[list[Figure]]]] = {
    "tests": device_tests,
    "speed": speed,
    "profile": profile,
    "correctness": correctness,
    "whole": whole,
    "search": search,
    "training": training,
    "papers": papers,
    "reference": reference,
}
"""In the order in which they run; `reference` only where it is named."""


def main(words: Sequence[str] | None = None) -> int:
    """Run stages in their order and write a table of each; 2 for a mistake, 1 if a stage ended in one."""
    parser = _parser()
    given = parser.parse_args(words)
    for name in given.stages:
        if name not in STAGES:
            parser.error(unknown_name("stage", name, list(STAGES)))
    if given.networks < 1 or min(given.workers) < 1:
        parser.error("--networks and --workers must be 1 or more")
    try:
        check_device(given.device)
        if given.authors:
            parse_proxies([given.authors], {})
        given.out.mkdir(parents=True, exist_ok=True)
    except (HarnessError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    command = shlex.join(["python", "-m", "harness.perf.gpu", *(sys.argv[1:] if words is None else words)])
    failed = False
    for name in [one for one in STAGES if one in given.stages or (not given.stages and one != "reference")]:
        until = time.monotonic() + given.seconds
        stage = Stage(given.device, given.out, given.networks, tuple(given.workers), given.authors, given.no_cpu, until)
        figures: list[Figure] = []
        try:
            with faults_told(name):
                for figures in STAGES[name](stage):
                    write_figures(given.out, name, f"On a GPU: {name}", command, figures, card(given.device))
        except HarnessError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
        for one in figures:
            print(f"{one.measurement}: {one.name}: {amount_text(one.value)} {one.unit} {one.verdict}".rstrip())
    print(given.out)
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.perf.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", type=int, default=40, help="of each space, for correctness")
    parser.add_argument("--no-cpu", action="store_true", help="correctness takes the CPU's scores that are there only")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 12, 16])
    parser.add_argument("--authors", default="", metavar="FILE.py:FUNCTION", help="somebody's ZiCo, for speed")
    parser.add_argument("--seconds", type=float, default=300.0, help="of each stage, after which it begins nothing new")
    return parser


def card(device: str) -> dict[str, str]:
    """The GPU and its driver."""
    if not device.startswith("cuda"):
        return {"GPU": f"none: a trial on {device}"}
    found = {"GPU": torch.cuda.get_device_name(device), "CUDA": str(torch.version.cuda)}
    if which("nvidia-smi"):
        words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "-i", "0"]
        found["driver"] = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return found
