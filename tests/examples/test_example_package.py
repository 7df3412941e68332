"""The example package: installed as a user would, found by its entry point, scored and examined; and the page on it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from harness.check.__main__ import main as check
from harness.evidence import ReluCodes
from harness.proxy import PROXIES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/add_a_proxy.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> dict[str, str]:
    """The environment of a machine where the package is installed."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(ROOT / "examples/relu_entropy", folder / "source")
    return environment_with(folder)


def environment_with(folder: Path) -> dict[str, str]:
    """The environment in which the package in folder/source is installed; hatchling builds it, without a network."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(folder / "source")]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    paths = [str(folder / "site"), str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(environment: dict[str, str], folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_it_is_found_scored_and_examined(installed, tmp_path):
    words = ["proxy=relu_entropy", "bench=nats_tss", "dataset=digits", "sample=20", "workers=1", "out=here"]
    run(installed, tmp_path, "harness", *words)
    scores = pd.read_parquet(tmp_path / "here/scores.parquet")
    assert scores["relu_entropy"].notna().sum() == 20
    assert scores["relu_entropy"].nunique() > 10
    assert "relu_entropy passes" in run(installed, tmp_path, "harness.check", "--quick", "relu_entropy")


@pytest.mark.long
def test_a_space_of_networks_is_found_by_its_entry_point(tmp_path):
    """As the page on benchmarks says: its file, a line that registers, and an entry point."""
    source = tmp_path / "source"
    source.mkdir()
    page = (ROOT / "docs/howto/add_a_benchmark.md").read_text()
    (file, *_) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r"`(BENCHMARKS\.register.*?)`", page)
    (group,) = re.findall(r'    (\[project\.entry-points.*\])\n    (perceptrons = "models")', page)
    (source / "models.py").write_text(f"{file}\n\nfrom harness.space import BENCHMARKS\n\n{line}\n")
    project = (ROOT / "examples/relu_entropy/pyproject.toml").read_text().replace("relu_entropy", "models")
    head = project.partition("[project.entry-points")[0].replace("relu-entropy", "perceptrons")
    tail = "[tool." + project.partition("[tool.")[2]
    (source / "pyproject.toml").write_text("\n".join([head, *group, "", tail]))
    installed = environment_with(tmp_path)
    run(installed, tmp_path, "harness", "bench=perceptrons", "dataset=digits", "proxy=naswot", "workers=1", "out=here")
    scores = pd.read_parquet(tmp_path / "here/scores.parquet")
    assert scores["naswot"].notna().sum() == len(scores) == 12
    assert "perceptrons passes" in run(installed, tmp_path, "harness.check", "perceptrons")
    assert "perceptrons" in run(installed, tmp_path, "harness.list", "benchmarks")


def codes(*rows: list[bool]) -> ReluCodes:
    found = ReluCodes()
    found.codes, found.n_relus = [torch.tensor(rows)], [2]
    return found


@pytest.fixture
def page_proxy(tmp_path) -> Path:
    """The file that the page asks for, written from the page."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "my_proxy.py"
    file.write_text(source)
    return file


def test_the_file_on_the_page_passes_as_the_page_says(page_proxy, monkeypatch, capsys):
    monkeypatch.chdir(page_proxy.parent)
    assert check(["--quick", "my_proxy.py"]) == 0
    assert "my_proxy.py passes" in capsys.readouterr().out
    # Units on for 2 of 4 images (1 bit), 1 of 4 (2 - 3/4 log2 3 bits) and none (0); two ReLUs read them.
    proxy = PROXIES.get("my_proxy")()
    bits = (1 + (2 - 0.75 * 1.584962500721156) + 0) / 3
    found = codes([True, True, False], [True, False, False], [False, False, False], [False, False, False])
    assert proxy.measure(found) == pytest.approx(2 * bits)


def test_the_package_is_the_page_s_proxy(page_proxy):
    package = (ROOT / "examples/relu_entropy/relu_entropy.py").read_text()
    assert package == page_proxy.read_text().replace("my_proxy", "relu_entropy").replace("MyProxy", "ReluEntropy")


def test_commands_name_their_mistakes(capsys):
    assert check(["nowhere.py"]) == 2
    assert "There is no file" in capsys.readouterr().err
    assert check(["zicoo"]) == 2
    assert "Did you mean 'zico'?" in capsys.readouterr().err
    assert check([]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_failure_is_told_and_is_exit_code_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("import no_such_thing\n")
    assert check(["broken.py", "params", "--quick"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  loads" in out
    assert "broken.py fails 1 of 1 checks (loads)." in out
    assert "params passes" in out
