"""`python -m harness` as processes of its own: several at once, killed, interrupted."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stored_scores import stored

PATIENCE = 600  # seconds; where other work runs, a start alone takes many


def subprocess_command(*words: str, **settings) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    )


@pytest.mark.long
def test_a_multirun_runs_each_combination(tmp_path):
    words = ["-m", "proxy=params,flops", "dataset=digits", "sample=12"]
    process = subprocess_command(*words, cwd=tmp_path)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert len(list((tmp_path / "results/runs").glob("nats_tss-*"))) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


@pytest.mark.long
def test_killed_runs_lose_nothing_that_was_committed_and_leave_no_duplicate(tmp_path):
    words = ["proxy=[zico,naswot,synflow]", "sample=80", "protocol.batch_size=32", "workers=2"]
    database = tmp_path / "results/scores.sqlite"
    committed: dict[tuple[str, str, int], str] = {}
    for _ in range(3):
        process = subprocess_command(*words, cwd=tmp_path, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
            if database.exists() and n_scores(database) > len(committed) + 15:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        now = stored(database)
        assert committed.items() <= now.items()
        assert len(now) > len(committed)
        committed = now
    process = subprocess_command(*words, "out=last", cwd=tmp_path)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    final = stored(database)
    assert committed.items() <= final.items()
    clean = subprocess_command(*words, "out=clean", "store=clean.sqlite", cwd=tmp_path)
    _, err = clean.communicate(timeout=PATIENCE)
    assert stored(tmp_path / "clean.sqlite") == final


def n_scores(database: Path) -> int:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as connection:
            return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_ctrl_c_says_what_happens_next(tmp_path):
    # A shell that starts the tests in the background ignores SIGINT, and children inherit that.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    words = ["proxy=zico", "sample=600", "protocol.batch_size=64", "workers=1"]
    process = subprocess_command(*words, cwd=tmp_path, **heeding)
    database = tmp_path / "results/scores.sqlite"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not (database.exists() and n_scores(database)):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Interrupted. Finished scores are kept; run the same command again to continue."
    assert "Traceback" not in err
    assert stored(database)
