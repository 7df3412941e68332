"""Bad command lines, made from each command's own settings: one sentence and exit code 2, nothing computed."""

import os
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from harness.cli import compose
from harness.cli.command import LONGEST, dispatch
from harness.cli.commands import COMMANDS
from harness.paths import conf_folder

LONGEST_S = 5.0  # CPU seconds
SIZE = int(os.environ.get("HARNESS_ATTACKS", "1"))
WRONG = {
    bool: ("maybe", "3", "[true]"),
    int: ("x", "-7", "1e400", "nan", "true", "[]", "[1,x]"),
    float: ("x", "nan", "-1", "true", "[]"),
    str: ("{}", "{a:1}", "[]", "''"),
    list: ("{}", "[]", "[{}]", "null"),
    type(None): ("{}", "[]", "''"),
}
ANY = ("${nope}", "${oc.env:NOPE_NOT_SET}", "[", "{", "'", "${", "a b)")
BY_HAND = {
    "run": (
        "seeds=100000000", "workers=100000", "workers=-1", "sample=-1", "sample=0", "sample=few", "seed=-1", "out=",
        "out={}", "store=", "store=/", "store=/dev/null", "store=:memory:", "device=mps:x", "device=tpu", "device=",
        "truth={}", "scores=missing.csv", "scores=.", "proxy=", "proxy=[]", "proxy=missing.py", "proxy=.", "~proxy",
        "bench=[]", "dataset=", "ensemble=nope", "inputs=nope", "inputs=[]", "protocol=nope", "protocol.batch_size=0",
        "protocol.n_batches=-1", "protocol.dtype=fp8", "hydra.run.dir=", "hydra/launcher=nope", "retry=always",
        "resume=maybe", "options=3", "+options.zico=3", "+options.zico.nope=1", "+options.nope.x=1", "sample=9999999",
        "timeout_per_network=-1", "timeout_per_network=soon", "proxy=\u00e9", "\u00e9=1", "=", "==", "a=b=c",
        "proxy=" + "x" * 5_000, "x" * 5_000 + "=1",
    ),
    "plan": ("width=1e-300", "width=0", "width=-1", "width=2", "width=nan", "width=x"),
    "search": ("steps=0", "steps=-1", "population=0", "budget.flops=x", "budget.nope=1", "search=[]", "evaluations=0"),
    "train": ("workers=-1", "arch=-1", "arch=99999999", "arch=missing.txt", "recipe=nope", "recipe.epochs=0"),
    "theory": ("experiment=nope", "experiment=[]", "mlp.n_draws=0", "mlp.widths=[]", "mlp.widths=[0]", "data=nope"),
    "tables": ("table=[]", "table=nope", "table=", "store=missing.sqlite"),
    "lens": ("study=nope", "study=[]"),
    "describe": ("nats_tss", "nats_tss -1", "nats_tss 99999999", "nats_tss x", "nope 0", "nats_tss \u00e9"),
    "compare": ("", "a", ". .", "missing missing", "pyproject.toml pyproject.toml"),
    "page": ("missing", "pyproject.toml", "--out"),
    "score": ("nats_tss", "nats_tss missing.csv", "nats_tss .", "nats_tss pyproject.toml", "nope missing.csv"),
    "check": ("", "missing.py", "pyproject.toml", ".", "nope"),
    "data": ("", "fetch", "fetch nope", "import nope x", "import nats_tss missing", "nope"),
    "store": (
        "", "merge", "merge a", "merge a.sqlite missing.sqlite", "export missing.sqlite", "load missing s.sqlite",
        "salvage missing.sqlite x.sqlite", "info missing.sqlite", "info .", "export pyproject.toml x",
        "export missing.sqlite x --fewest -5",
    ),
    "perf": ("nope", "--cells 0", "--cells -3", "--cells x", "--batch-size 0", "--inputs nope", "--seed -1"),
    "list": ("", "nope", "proxies nope"),
}  # fmt: skip


def settings(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting of a configuration with its default, those of groups by their full key."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from settings(value, f"{prefix}{key}.")
        elif not isinstance(value, Mapping):
            yield f"{prefix}{key}", value


def made_lines() -> list[tuple[str, str]]:
    """(command, words) for each setting that stands in the command's file in conf/."""
    found = []
    for command in COMMANDS.values():
        if command.config is None:
            continue
        values = OmegaConf.to_container(OmegaConf.load(conf_folder() / f"{command.config}.yaml"))
        assert isinstance(values, dict)
        for position, (key, default) in enumerate(settings({k: v for k, v in values.items() if k not in NOT_OURS})):
            wrong = [f"{key}={value}" for value in (*ANY, *WRONG[type(default)])]
            wrong += [f"{key}x={default}", f"+{key}x=1", f"~{key}", f"--{key}"]
            kept = wrong if SIZE > 1 else wrong[position % 9 :: 9]
            found += [(command.name, word) for word in kept]
    return found


NOT_OURS = ("hydra", "defaults")
# Files, names and sizes of spaces are looked up by the run itself, before it computes.
IN_THE_RUN = {
    ("run", words)
    for words in (
        "store=/", "store=/dev/null", "store=:memory:", "scores=missing.csv", "scores=.", "proxy=missing.py",
        "+options.zico.nope=1", "+options.nope.x=1", "sample=9999999",
    )
} | {
    ("search", words)
    for words in ("budget.nope=1", "start={", "start=a b)", "start=[", "start={}", "start=[]")
}  # fmt: skip
LINES = [*made_lines(), *((name, words) for name, several in BY_HAND.items() for words in several)]


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """An empty folder to run in, where commands are read but nothing is computed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    known = compose.import_module

    def read_only(name: str) -> SimpleNamespace:
        def accepted(settings: object) -> None:
            raise AssertionError(f"{name} would have run")

        return SimpleNamespace(read=known(name).read, run=accepted)

    return lambda: monkeypatch.setattr(compose, "import_module", read_only)


@pytest.mark.parametrize(("command", "words"), LINES, ids=lambda text: ascii(text)[1:60])
def test_a_bad_line_is_one_sentence_and_exit_code_2(command, words, outside, capsys):
    if COMMANDS[command].config is not None and (command, words) not in IN_THE_RUN:
        outside()
    started = time.process_time()
    assert dispatch([command, *([words] if "=" in words or "~" in words else words.split())]) == 2
    assert time.process_time() - started < LONGEST_S
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1, captured.err
    assert captured.err.strip().endswith(("?", ".", ")", "'"))
    assert len(captured.err.strip()) <= LONGEST
    assert "Traceback" not in captured.err


def test_there_are_several_hundred_lines():
    assert len(LINES) > 250
