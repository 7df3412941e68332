"""Files of the user's that a cluster is sent: with what they import, whole, and written where they are missing."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from harness import evaluate_models
from harness.errors import HarnessError
from harness.inputs import DataOptions, InputKind, draw_batches, open_data_set
from harness.placement import EngineSettings
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ScoringRun
from harness.scoring.engines import node
from harness.scoring.engines.shipping import bundle, paths_of, placed
from harness.scoring.guard import Guard
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.run import Unit
from harness.scoring.worker import Done, Job, work_on
from harness.settings import Settings
from harness.space import space_of
from harness.store import OK

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


FILES = {
    "own_networks.py": """
        from torch import nn

        def build(name):
            from own_parts import PLACE, Block
            with open("LOG", "a") as log:
                log.write(PLACE + "\\n")
            return nn.Sequential(nn.Flatten(), Block(20, int(name)), nn.Linear(int(name), 3))
    """,
    "own_parts.py": """
        from torch import nn

        PLACE = __file__

        class Block(nn.Module):
            def __init__(self, n, width):
                super().__init__()
                self.linear = nn.Linear(n, width)

            def forward(self, inputs):
                return self.linear(inputs).relu()
    """,
    "own_pairs.py": """
        import torch

        def pairs(seed):
            source = torch.Generator().manual_seed(seed)
            while True:
                yield torch.randn(4, 20, generator=source), torch.arange(4) % 3
    """,
    "own_loss.py": """
        from torch.nn import functional as F

        def smoothed(outputs, targets):
            return F.cross_entropy(outputs, targets, label_smoothing=0.1)
    """,
}


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


def test_networks_data_loss_and_proxy_of_files_are_scored_on_a_node_that_has_none_of_them(proxy, tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(dedent(text).replace("LOG", str(tmp_path / "log")))
    space = space_of(f"{tmp_path}/own_networks.py:build", ["4", "8"])
    data_set = open_data_set(
        f"{tmp_path}/own_pairs.py:pairs", DataOptions(classes=3), f"{tmp_path}/own_loss.py:smoothed"
    )
    context = ContextSpec(space.word, data_set.name, InputKind.real, Protocol(batch_size=8), 0, "cpu", data_set)
    batches = draw_batches(data_set, context.request)
    context = replace(context, inputs_sha256=batches.sha256)
    specs = tuple(parse_proxies(["grad_norm", str(proxy)], {}))
    run = ScoringRun(context, specs, batches)
    archs = run.scored_as(specs[0], space.architectures)
    here = [work_on(context, True, Unit(arch, "all", specs), Guard())[1] for arch in archs]
    assert {one.status for scores in here for one in scores.values()} == {OK}
    (tmp_path / "log").unlink()
    job = Job(context, True, tuple(Unit(arch, "all", specs) for arch in archs))
    bundles = {path: bundle(path, "ray") for path in paths_of(job)}
    assert {Path(path).name for path in bundles} == {proxy.name, "own_networks.py", "own_loss.py"}
    shipment = node.Shipment(job, bundles, node.versions(), False, None)
    sent = pickle.dumps((shipment, node.arrays_of(context.drawn().batches)))
    for name in (*FILES, proxy.name, "shipped_module.py"):
        (tmp_path / name).unlink()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    monkeypatch.setattr(sys, "path", [word for word in sys.path if word != str(tmp_path)])
    try:
        reply = node.answer(*pickle.loads(sent))
    finally:
        node.close()
    assert isinstance(reply.outcome, Done), reply.outcome
    values = [{name: one.components for name, one in scores.items()} for _, scores in reply.outcome.results]
    assert values == [{name: one.components for name, one in scores.items()} for scores in here]
    places = {Path(line) for line in (tmp_path / "log").read_text().splitlines()}
    assert {place.name for place in places} == {"own_parts.py"}
    assert all(place.is_relative_to(tmp_path / "node") for place in places)


def test_networks_that_are_objects_are_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr("harness.settings.check_engine", lambda *_: None)  # Ray need not be installed
    settings = Settings(engine=EngineSettings("ray"))
    inputs = torch.zeros(8, 4), torch.zeros(8, dtype=torch.int64)
    with pytest.raises(HarnessError, match=r"^engine=ray is invalid for evaluate_models: its networks exist in this"):
        evaluate_models({"a": torch.nn.Linear(4, 2)}, accuracies={"a": 1.0}, inputs=inputs, settings=settings)


def test_a_plug_in_by_the_path_of_its_own_file_goes_by_its_name():
    import proxies.zico

    job = job_of(str(Path(proxies.zico.__file__)))
    assert list(paths_of(job)) == []
    assert {spec.path for spec in placed(job, {}).job.units[0].specs} == {None}
