"""The check of a pull request, as the workflow runs it, with a stand-in for docker that runs the command here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import Settings, evaluate
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.records.making import submit

ROOT = Path(__file__).parents[2]

DOCKER = """#!{python}
import subprocess, sys
words = sys.argv[1:]
assert words[:3] == ["run", "--rm", "--name"] and words[4:6] == ["--network", "none"], words
(folder,) = [word.split(":")[0] for word in words if word.endswith(":/request:rw")]
at = words.index("harness-verify")
command = [folder if word == "/request" else word for word in words[at + 1 :]]
print("in the container", file=open({log!r}, "a"))
sys.exit(subprocess.run([sys.executable, *command[1:]]).returncode)
"""


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def proposed(tmp_path, proxy_text) -> Path:
    """A repository in which a pull request that adds a record with its proxy was merged into the base."""
    (tmp_path / "theirs.py").write_text(proxy_text.replace("{name}", "theirs"))
    settings = Settings(
        sample=24, inputs=(InputKind.noise,), protocol=Protocol(n_batches=1, batch_size=8),
        store=tmp_path / "scores.sqlite", out=tmp_path / "run", workers=1,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_DATA", str(tmp_path / "data"))
        patch.setattr("harness.agreement.resampling.MOST_REPLICATES", 1_000)  # as in the processes of the check
        evaluate([str(tmp_path / "theirs.py")], settings=settings)
        repository = tmp_path / "proposed"
        repository.mkdir()
        git(repository, "init")
        git(repository, "commit", "--allow-empty", "-m", "base")
        git(repository, "checkout", "-b", "theirs")
        submit(tmp_path / "run", repository / "results" / "records", tmp_path / "scores.sqlite", ["theirs"])
    git(repository, "add", "-A")
    git(repository, "commit", "-m", "a record")
    git(repository, "checkout", "main")
    git(repository, "merge", "--no-ff", "theirs")
    return repository


def checked(repository: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    there = tmp_path / "bin"
    there.mkdir(exist_ok=True)
    (there / "docker").write_text(DOCKER.format(python=sys.executable, log=str(tmp_path / "log")))
    (there / "docker").chmod(0o755)
    environment = {
        "PATH": os.pathsep.join((str(there), str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "HARNESS_DATA": str(tmp_path / "data"),
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    command = [str(ROOT / ".ci" / "verify"), str(repository), "harness-verify"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long  # five commands, each of which imports torch
def test_a_pull_request_is_verified_and_a_tampered_one_refused(proposed, tmp_path) -> None:
    done = checked(proposed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "statistics confirmed; scores of 5 networks recomputed and confirmed" in done.stdout
    assert (tmp_path / "log").read_text() == "in the container\n"

    (file,) = proposed.rglob("record.json")
    file.write_text(file.read_text().replace('"n_nan": 0', '"n_nan": 1'))
    git(proposed, "commit", "-am", "tampered")
    done = checked(proposed, tmp_path)
    assert done.returncode == 1
    assert "NOT CONFIRMED: by_seed.none.n_nan is 1 in the record and 0 from its scores" in done.stdout

    (file.parent / "conftest.py").write_text("")
    git(proposed, "add", "-A")
    git(proposed, "commit", "-m", "something else")
    done = checked(proposed, tmp_path)
    assert done.returncode == 2
    assert "is no file of a record" in done.stderr


def test_the_workflow_asks_for_nothing_but_reading() -> None:
    """Pull requests alone, no secrets, a token that can only read, actions pinned by their commit."""
    text = (ROOT / ".github" / "workflows" / "verify.yml").read_text()
    assert "on:\n  pull_request:\n" in text
    assert "pull_request_target" not in text
    assert "secrets." not in text
    assert "permissions:\n  contents: read\n" in text
    assert text.count("permissions:") == 1
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    actions = [line.split("@")[1].split()[0] for line in text.splitlines() if "uses:" in line]
    assert actions
    assert all(len(commit) == 40 for commit in actions)
    container = (ROOT / ".ci" / "verify.Dockerfile").read_text()
    assert "FROM python:3.11-slim-bookworm@sha256:" in container
