"""The tables of results/scale: figures with the command and the machine that they were measured by."""

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

_TITLES = {"scale": "Engines and losses", "merging": "Merging of score stores"}


def write_scale(out: Path, table: str, command: str, figures: Sequence[Figure]) -> None:
    """Write what is measured so far as OUT/TABLE.csv and OUT/TABLE.md, with the command and the machine."""
    frame = pd.DataFrame([vars(figure) for figure in figures])
    lines = [f"# {_TITLES[table]}", "", "| measurement | value | unit | target | verdict |"]
    lines += ["|---|---:|---|---|---|", *map(markdown_line, rows(figures)), ""]
    lines += [f"- {key}: `{value}`" for key, value in _machine(command).items()]
    files = {f"{table}.csv": frame.to_csv(index=False, lineterminator="\n"), f"{table}.md": "\n".join([*lines, ""])}
    write_files(out, {name: text.encode() for name, text in files.items()})


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
