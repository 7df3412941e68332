"""Where the tests find real data, and how they stay away from the user's own.

HARNESS_MIRROR, HARNESS_IMAGES, HARNESS_OFFICIAL and HARNESS_TRUTH name folders of real files; a test that needs one
that is not set is skipped. They are taken out of the environment, so that no other test depends on them.
"""

import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from harness.evidence import EVIDENCE
from harness.proxy import PROXIES

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
_SOFTWARE = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a GPU
_PATIENCE = 180_000  # milliseconds for any one step: where other work runs, a picture takes seconds
_PROXY = '''
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("{name}")
@dataclass(frozen=True)
class Mine(Proxy):
    """Layers, to a power."""

    version: ClassVar[int] = 3
    sees: ClassVar[Sees] = Sees.LIVE
    power: float = 1.0

    def measure(self, layers: Layers) -> float:
        return float(layers.sum(layers.n_params)[0] ** self.power)
'''
_ROOT = Path(__file__).parent.parent
_FOLDERS = {
    name: os.environ.get(name) for name in ("HARNESS_MIRROR", "HARNESS_IMAGES", "HARNESS_OFFICIAL", "HARNESS_TRUTH")
}


def _digest(files: Iterable[Path]) -> str:
    """Of what files hold, in the order of their paths."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def _folder(name: str, contents: str) -> Path:
    named = _FOLDERS[name]
    if not named or not Path(named).is_dir():
        pytest.skip(f"{name} does not name a folder with {contents}")
    return Path(named)


@pytest.fixture(scope="session", autouse=True)
def _own_data_home(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[None]:
    home = tmp_path_factory.mktemp("data-home")
    with pytest.MonkeyPatch.context() as environment, _kept_cells(home, pytestconfig):
        for name in _FOLDERS:
            environment.delenv(name, raising=False)
        environment.setenv("HARNESS_DATA", str(home))
        yield


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Hydra sets handlers for the process, on a standard error that a test's capture replaces and then closes."""
    loggers = (logging.getLogger(), logging.getLogger("hydra"))
    before = [(logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)


@pytest.fixture(scope="session")
def _of_the_project() -> list[tuple[Any, dict[str, Any]]]:
    for registry in (PROXIES, EVIDENCE):
        registry.discover()
    return [(registry, dict(registry._entries)) for registry in (PROXIES, EVIDENCE)]


@pytest.fixture(autouse=True)
def _own_plug_ins(_of_the_project: list[tuple[Any, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with the project's plug-ins alone, whatever a test or a fixture registered before it."""
    for registry, entries in _of_the_project:
        monkeypatch.setattr(registry, "_entries", dict(entries))


@contextmanager
def _kept_cells(home: Path, config: pytest.Config) -> Iterator[None]:
    """The cells of NAS-Bench-101 take 18 CPU seconds to name: pytest's cache keeps them until that code changes."""
    code = (_ROOT / "benchmarks" / "nasbench101" / name for name in ("cell.py", "enumeration.py"))
    kept = _kept_between_runs(config, "nasbench101", home) / f"{_digest(code)}.npz"
    cells = home / "spaces" / "nasbench101.npz"
    cells.parent.mkdir()
    if kept.is_file():
        shutil.copy(kept, cells)
    yield
    if cells.is_file() and not kept.is_file():
        shutil.copy(cells, kept)


def _kept_between_runs(config: pytest.Config, name: str, otherwise: Path) -> Path:
    """A folder of pytest's cache; with `-p no:cacheprovider` one in `otherwise`, which lasts for this run."""
    cache = getattr(config, "cache", None)
    if cache is not None:
        return Path(cache.mkdir(name))
    folder = otherwise / f"kept_{name}"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def mirror() -> Path:
    return _folder("HARNESS_MIRROR", "the published files, <owner>/<repo>/<commit>/<path>")


@pytest.fixture(scope="session")
def images_home() -> Path:
    return _folder("HARNESS_IMAGES", "real/ and substitute/ images")


@pytest.fixture(scope="session")
def official() -> Path:
    return _folder("HARNESS_OFFICIAL", "official file formats cut small")


@pytest.fixture(scope="session")
def truth_oracle() -> Path:
    return _folder("HARNESS_TRUTH", "the joined and checked tables")


_NB360 = "roldebijvank/HW-NAS-Bench-360/a9b243e07fb8f0671ee56587696e7b8ef1ca702d/results/dataset.parquet"


def _importable(mirror: Path) -> Path:
    """Where files without a licence lie, which are never fetched: beside the mirror."""
    return mirror.parent / "for_import" / _NB360


@pytest.fixture(scope="session")
def nb360_file(mirror: Path) -> Path:
    """The published measurements of HW-NAS-Bench-360."""
    path = _importable(mirror)
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return path


@pytest.fixture(scope="session")
def fetched_home(mirror: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A data home into which every benchmark's tables were fetched from the mirror, and nb360 imported.

    pytest's cache keeps it until the code that fetches and converts changes.
    """
    from harness.truth.imports import imported_as
    from harness.truth.sources import TRUTH_SOURCES, fetch
    from harness.truth.table import write_table

    packages = (_ROOT / "harness" / name for name in ("files", "inputs", "space", "truth"))
    code = [*(_ROOT / "harness").glob("*.py"), *(path for each in packages for path in each.rglob("*.py"))]
    code += (path for path in (_ROOT / "benchmarks").rglob("*") if path.is_file() and path.suffix != ".pyc")
    importable = _importable(mirror).is_file()
    folder = tmp_path_factory.mktemp("fetched")
    kept = _kept_between_runs(pytestconfig, "fetched", folder) / f"{_digest(code)}{'-nb360' * importable}"
    home = folder / "home"
    if kept.is_dir():
        return Path(shutil.copytree(kept, home))
    home.mkdir()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        for key in TRUTH_SOURCES:
            fetch(TRUTH_SOURCES.get(key), home)
    if importable:
        for release in imported_as("nb360"):  # in this process, which is quicker
            write_table(release.convert(_importable(mirror)), release.path(home), release.origin)
    whole = Path(tempfile.mkdtemp(dir=kept.parent)) / "home"
    shutil.copytree(home, whole)
    with suppress(OSError):  # another process of the same tests was first
        whole.rename(kept)
    shutil.rmtree(whole.parent)
    return home


@pytest.fixture
def rough_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bootstrap replicates: most of a small run's time goes into intervals, which are tested in tests/agreement."""
    monkeypatch.setattr("harness.agreement.resampling.MOST_REPLICATES", 40)


@pytest.fixture
def in_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rough_intervals: None
) -> Callable[[Callable[[], int]], Callable[..., tuple[int, str, str]]]:
    """Makes of a command's `main` a function of its words: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def command_of(main: Callable[[], int]) -> Callable[..., tuple[int, str, str]]:
        def run(*words: str) -> tuple[int, str, str]:
            monkeypatch.setattr(sys, "argv", ["command", *words])
            code = main()
            captured = capsys.readouterr()
            return code, captured.out, captured.err

        return run

    return command_of


@pytest.fixture(scope="session")
def proxy_text() -> str:
    """The file of a proxy that is no count and orders networks as params_live does; `{name}` stands for its name."""
    return _PROXY


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    if _CHROMIUM is None:
        assert os.environ.get("HARNESS_BROWSER") != "required", "HARNESS_BROWSER=required, but there is no Chromium"
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    from playwright import sync_api as api

    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET + _SOFTWARE, timeout=_PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def new_context(browser: Any) -> Iterator[Callable[[int, int], Any]]:
    """A function that opens a window of a width and height in pixels; on leaving, all are closed."""
    contexts = []

    def opened(width: int, height: int) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True))
        contexts[-1].set_default_timeout(_PATIENCE)
        return contexts[-1]

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def look(new_context: Callable[[int, int], Any]) -> Iterator[Callable[..., Any]]:
    """A function that opens an address at a width; afterwards nothing was complained of or asked of another host."""
    complaints: list[str] = []
    requests: list[str] = []

    def opened(width: int, address: str, height: int = 900) -> Any:
        found = new_context(width, height).new_page()
        found.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        found.on("pageerror", lambda error: complaints.append(str(error)))
        found.on("request", lambda request: requests.append(request.url))
        found.goto(address)
        return found

    yield opened
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
