"""A small run with a proxy of a file, one of the project's and a count, and the records that it makes."""

import shutil
from pathlib import Path

import pytest

from harness import Settings, evaluate
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.records.making import Made, submit


@pytest.fixture(scope="module", autouse=True)
def _few_replicates():
    """The same few replicates wherever statistics are computed, in records and in their verification."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.agreement.resampling.MOST_REPLICATES", 40)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def run_folder(home) -> Path:
    """naswot on noise and params, on 24 architectures of the embedded benchmark."""
    settings = Settings(
        sample=24,
        inputs=(InputKind.noise,),
        protocol=Protocol(n_batches=1, batch_size=8),
        store=home / "scores.sqlite",
        out=home / "run",
        workers=1,
    )
    evaluate(["naswot", "params"], settings=settings)
    return home / "run"


@pytest.fixture(scope="module")
def made(home, run_folder) -> Made:
    return submit(run_folder, home / "records", home / "scores.sqlite")


@pytest.fixture
def record(made, tmp_path) -> Path:
    """A copy of naswot's record in its place, to be tampered with."""
    (folder,) = (path for path in made.written if "naswot" in path.parts)
    copy = tmp_path.joinpath("records", *folder.parts[-4:])
    shutil.copytree(folder, copy)
    return copy


@pytest.fixture(scope="module")
def counts(home) -> Path:
    """A store with the scores of the counts, so that each test need not compute them."""
    return home / "scores.sqlite"


@pytest.fixture
def of_file(tmp_path, home, run_folder, proxy_text) -> Path:
    """The record of a proxy of a file, which leaves a trace wherever it is imported."""
    trace = f"\nfrom pathlib import Path\nPath({str(tmp_path / 'imported')!r}).touch()\n"
    (tmp_path / "mine.py").write_text(proxy_text.replace("{name}", "mine") + trace)
    settings = Settings(
        sample=24, inputs=(InputKind.noise,), protocol=Protocol(n_batches=1, batch_size=8),
        options={"mine": {"power": 0.5}},
        store=tmp_path / "scores.sqlite", out=tmp_path / "run", workers=1,
    )  # fmt: skip
    evaluate([str(tmp_path / "mine.py")], settings=settings)
    made = submit(tmp_path / "run", tmp_path / "records", home / "scores.sqlite", ["mine"])
    (tmp_path / "imported").unlink()
    return made.written[0]
