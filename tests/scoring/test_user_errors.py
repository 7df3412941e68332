"""Errors in a user's proxy: a stored reason and a sentence with file and line, a traceback where `--debug` asks."""

from pathlib import Path

import pytest

from harness.__main__ import main
from harness.inputs import InputKind
from harness.plug_in_code import DEBUG
from harness.protocol import Protocol
from harness.scoring import ContextSpec
from harness.scoring.engine import score
from harness.scoring.proxy_spec import parse_proxies
from harness.store import FAILED

PROXY = '''
from dataclasses import dataclass
from typing import ClassVar
from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("{name}")
@dataclass(frozen=True)
class Failing(Proxy):
    """Fails."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, layers: Layers) -> float:
        return {{}}["absent"]
'''


@pytest.mark.parametrize("debug", [False, True])
def test_a_failed_score_names_file_and_line(debug, tmp_path, monkeypatch, capsys):
    name = f"failing_{'shown' if debug else 'hidden'}"
    file = tmp_path / f"{name}.py"
    file.write_text(PROXY.format(name=name))
    if debug:
        monkeypatch.setenv(DEBUG, "1")
    (spec,) = parse_proxies([str(file)], {})
    context = ContextSpec("nats_tss", "digits", InputKind.real, Protocol(), 0, "cpu").make(with_batches=False)
    arch = context.space.architectures[0]
    found = score(context, arch, "live", {name: spec.make()})[name]
    line = PROXY.split("\n").index('        return {{}}["absent"]') + 1
    assert (found.status, found.reason) == (FAILED, f"KeyError: 'absent' ({name}.py, line {line})")
    assert (f'{name}.py", line {line}, in measure' in capsys.readouterr().err) == debug


def test_a_file_that_does_not_import_names_the_line(in_empty_folder):
    command = in_empty_folder(main)
    Path("helper_of_mine.py").write_text("import math\n\nmath.sqrt(-1)\n")
    code, _, err = command("proxy=helper_of_mine.py")
    assert code == 2
    assert "does not import: ValueError: math domain error (helper_of_mine.py, line 3)." in err
    assert len(err.splitlines()) == 1
