"""Files of the user's that a cluster is sent: with what they import, whole, and written where they are missing."""

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.scoring import ContextSpec
from harness.scoring.engines.shipping import bundle, paths_of, placed
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.run import Unit
from harness.scoring.worker import Job

CONTEXT = ContextSpec("nats_tss", "digits", InputKind.real, Protocol(batch_size=4), 0, "cpu")
PROXY = """
import json
import numpy
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("shipped_sum")
@dataclass(frozen=True)
class ShippedSum(Proxy):
    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, layers: Layers) -> float:
        from shipped_pack.inner import double
        return double(float(layers.sum(layers.flops)[0]))
"""


@pytest.fixture
def proxy(tmp_path, monkeypatch) -> Path:
    """A proxy's file, which imports a package beside it where it measures; the package imports a module."""
    pack = tmp_path / "shipped_pack"
    pack.mkdir()
    (pack / "__init__.py").write_text("")
    (pack / "inner.py").write_text("from . import other\nimport shipped_module\n\ndef double(x):\n    return 2 * x\n")
    (pack / "other.py").write_text("")
    (tmp_path / "shipped_module.py").write_text("")
    (tmp_path / "unrelated.py").write_text("")
    file = tmp_path / "shipped_sum.py"
    file.write_text(PROXY)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return file


def job_of(*words: str) -> Job:
    return Job(CONTEXT, False, (Unit("a", "all", tuple(parse_proxies(words, {}))),))


def test_a_file_goes_with_the_modules_that_it_imports_anywhere_and_no_others(proxy):
    sent = bundle(str(proxy), "ray")
    names = {"__init__.py", "inner.py", "other.py"}
    assert set(sent.modules) == {f"shipped_pack/{name}" for name in names} | {"shipped_module.py"}
    assert set(sent.folders.values()) == {str(proxy.parent)}
    assert sent.computed_sha256 == sent.sha256
    assert sent._replace(content=sent.content + b"#").computed_sha256 != sent.sha256


def test_files_that_are_there_are_used_in_place_and_others_are_written(proxy, tmp_path, monkeypatch):
    job = job_of(str(proxy))
    assert list(paths_of(job)) == [str(proxy)]
    sent = {str(proxy): bundle(str(proxy), "ray")}
    here = placed(job, sent)
    assert (here.job, here.files, here.before) == (job, {str(proxy): str(proxy)}, [])
    assert here.after == [str(tmp_path)]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    (tmp_path / "shipped_pack" / "inner.py").write_text("# another version\n")
    there = placed(job, sent)
    file = Path(there.files[str(proxy)])
    assert file.is_relative_to(tmp_path / "node")
    assert (file.name, file.read_text()) == (proxy.name, PROXY)
    assert there.job.units[0].specs[0].path == str(file)
    (folder,) = there.before
    assert {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.py")} == set(sent[str(proxy)].modules)


def test_what_arrives_damaged_is_refused(proxy):
    sent = bundle(str(proxy), "ray")
    damaged = sent._replace(modules={**sent.modules, "shipped_module.py": b"import os"})
    with pytest.raises(HarnessError, match=r"shipped_sum\.py' has arrived damaged: it is not of sha256 "):
        placed(job_of(str(proxy)), {str(proxy): damaged})


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(HarnessError, match=r"gone\.py' cannot be sent to engine=ray: No such file or directory\.$"):
        bundle(str(tmp_path / "gone.py"), "ray")


def test_a_plug_in_by_the_path_of_its_own_file_goes_by_its_name():
    import proxies.zico

    job = job_of(str(Path(proxies.zico.__file__)))
    assert list(paths_of(job)) == []
    assert {spec.path for spec in placed(job, {}).job.units[0].specs} == {None}
