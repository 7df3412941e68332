"""The command in an empty folder."""

import sys

import pytest

from harness.__main__ import main


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        code = main()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
