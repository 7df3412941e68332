"""The tables of results/scale and results/gpu: figures with the command and the machine that they were measured by."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import joblib
import pandas as pd

from harness.evaluation.provenance import describe_process
from harness.files.results import write_files
from harness.perf.figure import Figure
from harness.perf.report import rows
from harness.report.escape import markdown_line


def write_figures(
    out: Path, name: str, title: str, command: str, figures: Sequence[Figure], more: dict[str, str] | None = None
) -> None:
    """Write what is measured so far as OUT/NAME.csv and OUT/NAME.md, with the command, the machine and `more` of it."""
    frame = pd.DataFrame([vars(figure) for figure in figures])
    lines = [f"# {title}", "", "| measurement | value | unit | target | verdict |"]
    lines += ["|---|---:|---|---|---|", *map(markdown_line, rows(figures)), ""]
    lines += [f"- {key}: `{value}`" for key, value in (_machine(command) | (more or {})).items()]
    files = {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n"), f"{name}.md": "\n".join([*lines, ""])}
    write_files(out, {file: text.encode() for file, text in files.items()})


def _machine(command: str) -> dict[str, str]:
    process = describe_process(command)
    versions = process["versions"]
    return {
        "command": str(process["command"]),
        "date": str(process["date"]),
        "machine": f"{joblib.cpu_count()} cores, {platform.platform()}",
        "load before": f"{os.getloadavg()[2]:.1f} processes over 15 minutes",
        "versions": ", ".join(f"{name} {one}" for name, one in versions.items()) if isinstance(versions, dict) else "",
        "ray": version("ray") if find_spec("ray") else "not installed",
        "git commit": str(process["git_commit"]),
    }
