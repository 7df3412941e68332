"""What a GPU computes, and how fast, in stages that each keep what they have finished.

    python -m harness.perf.gpu correctness speed profile --out results/gpu --seconds 540

The same command goes on from the stores of scores in OUT/stores. `--device cpu` tries the stages without a GPU.
"""

import argparse
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
from harness.report.tables import amount_text
from harness.settings import check_device

STAGES: dict[str, Callable[[Stage], Iterator[list[Figure]]]] = {
    "reference": reference,
    "correctness": correctness,
    "tests": device_tests,
    "speed": speed,
    "profile": profile,
    "whole": whole,
    "search": search,
    "papers": papers,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run stages in their order and write a table of each; 2 for a device that is not here."""
    given = _parser().parse_args(words)
    try:
        check_device(given.device)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    stage = Stage(
        given.device,
        given.out,
        given.networks,
        tuple(given.workers),
        given.authors,
        time.monotonic() + given.seconds,
    )
    command = " ".join(["python -m harness.perf.gpu", *(sys.argv[1:] if words is None else words)])
    chosen = given.stages or [name for name in STAGES if name != "reference"]
    for name in [one for one in STAGES if one in chosen]:
        if stage.left_s <= 0:
            print(f"{name} was not begun: --seconds {given.seconds:g} are over. The same command goes on.")
            continue
        figures: list[Figure] = []
        for figures in STAGES[name](stage):
            write_figures(given.out, name, f"On a GPU: {name}", command, figures, card(given.device))
        for one in figures:
            print(f"{one.measurement}: {one.name}: {amount_text(one.value)} {one.unit} {one.verdict}".rstrip())
    print(given.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.perf.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], metavar="STAGE", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", type=int, default=40, help="of each space, for correctness")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 12, 16])
    parser.add_argument("--authors", default="", metavar="FILE.py:FUNCTION", help="somebody's ZiCo, for speed")
    parser.add_argument("--seconds", type=float, default=540.0, help="after which nothing new is begun")
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


if __name__ == "__main__":
    sys.exit(main())
