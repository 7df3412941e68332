"""The table and the plot of measured figures."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import joblib
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from harness.cli.invocation import current
from harness.evaluation.provenance import git_commit
from harness.files.results import write_files
from harness.perf.figure import Bench, Figure
from harness.report.escape import markdown_line
from harness.report.style import BLUE, GREY, ORANGE, png, style
from harness.report.tables import amount_text

_SHOWN = ("proxies", "zico", "sharing")


def write(out: Path, figures: Sequence[Figure], bench: Bench) -> None:
    """Write perf.csv, perf.md, perf.png and perf.json into `out`.

    Raises:
        HarnessError: if the folder cannot be written.
    """
    table = pd.DataFrame([vars(figure) | {"verdict": figure.verdict} for figure in figures])
    machine = _machine(bench)
    files = {
        "perf.csv": table.to_csv(index=False, lineterminator="\n").encode(),
        "perf.md": _markdown(figures, machine).encode(),
        "perf.json": (json.dumps(machine, indent=2) + "\n").encode(),
    }
    if any(figure.measurement in _SHOWN for figure in figures):
        files["perf.png"] = _picture(figures)
    write_files(out, files)


def rows(figures: Sequence[Figure]) -> list[tuple[str, str, str, str, str]]:
    """Measurement, value, unit, target and verdict, as text."""
    return [
        (
            f"{figure.measurement}: {figure.name}",
            amount_text(figure.value),
            figure.unit,
            "" if figure.target is None else f"{'at most' if figure.at_most else 'at least'} {figure.target:.2f}",
            figure.verdict,
        )
        for figure in figures
    ]


def _machine(bench: Bench) -> dict[str, str]:
    running = current()
    return {
        "command": running.elsewhere if running is not None else "Called from Python",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "networks, where any are run": f"{bench.n_cells} random cells of NATS-Bench topology (seed {bench.seed}), "
        f"CIFAR-10, {bench.inputs.value} inputs, 2 x {bench.batch_size} x 3 x 32 x 32",
        "machine": f"{joblib.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, {platform.platform()}",
        "torch": torch.__version__,
        "git commit": git_commit(),
    }


def _markdown(figures: Sequence[Figure], machine: dict[str, str]) -> str:
    lines = ["# Costs on this machine", ""]
    lines += ["| measurement | value | unit | target | verdict |", "|---|---:|---|---|---|"]
    lines += map(markdown_line, rows(figures))
    lines += ["", *(f"- {key}: `{value}`" for key, value in machine.items()), ""]
    return "\n".join(lines)


def _picture(figures: Sequence[Figure]) -> bytes:
    """One panel of bars per measurement in CPU seconds per network."""
    shown = {
        name: [figure for figure in figures if figure.measurement == name and figure.unit.startswith("CPU s")]
        for name in _SHOWN
    }
    shown = {name: found for name, found in shown.items() if found}
    heights = [0.5 + 0.22 * len(found) for found in shown.values()]
    with style():
        picture = Picture(figsize=(7.2, sum(heights) + 0.6), layout="constrained")
        panels = picture.subplots(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
        for axes, (name, found) in zip(panels, shown.items(), strict=True):
            _bars(axes, name, found)
        panels[-1].set_xlabel("CPU seconds per network")
        return png(picture, n_colours=32)


def _bars(axes: Axes, name: str, found: Sequence[Figure]) -> None:
    values = [figure.value for figure in found]
    together = ["together" in figure.name for figure in found]
    axes.barh(range(len(found)), values, color=[ORANGE if one else BLUE for one in together])
    axes.set_yticks(range(len(found)), [figure.name for figure in found])
    axes.set_ylim(len(found) - 0.4, -0.6)  # the first bar on top, no empty rows
    axes.margins(x=0.08)  # room for the numbers
    axes.grid(axis="y", visible=False)
    axes.set_title(name, loc="left")
    for place, value in enumerate(values):
        axes.annotate(f" {amount_text(value)}", (value, place), va="center", fontsize=7, color=GREY)
