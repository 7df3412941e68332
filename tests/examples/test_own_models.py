"""The example of one's own networks: the commands of its tutorial, run as they stand there, on fewer networks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/own_networks.md"


def commands() -> list[list[str]]:
    """The commands of the page that start with python, without the word python."""
    return [line.split()[1:] for line in re.findall(r"^ {4}(python .*)$", PAGE.read_text(), re.MULTILINE)]


@pytest.mark.long
def test_the_commands_of_the_tutorial(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(ROOT / "examples/own_models", folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    assert len(commands()) >= 3
    for words in commands():
        few = ["12" if word == "30" else word for word in words]
        done = subprocess.run(
            [sys.executable, *few], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    rows = pd.read_csv(folder / "first/agreement.csv").set_index("proxy")
    assert set(rows["n"]) == {12}
    assert rows.loc[["zico", "swap", "synflow"], "tau"].between(-1, 1).all()
    scores = pd.read_parquet(folder / "first/scores.parquet")
    assert len(scores) == 48
    assert scores["truth"].notna().sum() == 12
    assert scores[["zico", "swap", "synflow"]].notna().all().all()
    assert "none" not in (folder / "accuracies.csv").read_text()
