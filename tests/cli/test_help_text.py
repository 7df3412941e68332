"""What the help of a command lists: each setting once, and none that the command refuses."""

from collections import Counter

import pytest

from harness.cli.command import start
from harness.cli.commands import COMMANDS
from harness.cli.help import help_text

COMPOSED = [name for name, command in COMMANDS.items() if command.config is not None]
WHOLE = ["lens", "plan", "choose", "predict"]
WORDS = ["shard=slurm", "budget_s=3", "dry_run=true", "figures=pdf", "style=slides", "column=iclr"]


@pytest.mark.parametrize("name", COMPOSED)
def test_no_setting_is_listed_twice(name):
    command = COMMANDS[name]
    lines = help_text(command).partition("settings and their defaults")[2].partition("options:")[0].splitlines()
    keys = Counter(line.split("=")[0].strip() for line in lines if line.startswith("  ") and line[2:3].isalpha())
    assert keys
    assert [key for key, n in keys.items() if n > 1] == []


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("word", WORDS)
def test_a_command_that_needs_whole_evaluations_refuses_parts_and_lists_none(name, word, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert start(name, [word, "width=.2"] if name == "plan" else [word]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{word} is for python -m harness; {name} needs whole evaluations")
    assert error.count("\n") == 1
    assert {word.split("=")[0] for word in WORDS} == set(COMMANDS[name].without)
    assert f"  {word.split('=')[0]}=" not in help_text(COMMANDS[name])
    assert list(tmp_path.iterdir()) == []


def test_a_refused_setting_is_not_what_was_meant(capsys):
    assert start("lens", ["shrad=0/2"]) == 2
    assert "shard" not in capsys.readouterr().err
