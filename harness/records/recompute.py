"""Scores of a few networks, computed again: a request in a folder -> an answer beside it.

`python -m harness.records.recompute FOLDER` reads FOLDER/request.json and, for a proxy of origin file, FOLDER/proxy.py,
and writes FOLDER/answer.json. The request holds no score, so that what runs there does not know what is expected; and
what judges runs elsewhere and reads the answer as foreign data.
"""

import json
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.cli.reading import Source, read_into
from harness.errors import CorruptDataError, HarnessError, MissingDataError
from harness.files.atomic import sha256_of, write_whole
from harness.inputs import DATA_SETS, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.records.files import PROXY
from harness.records.record import NO_SEED, InputsOf, Origin, ProxyOf, Record, plain
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.combined import combined
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import Settings
from harness.space import BENCHMARKS, Architecture
from harness.store import ScoreStore

REQUEST, ANSWER = "request.json", "answer.json"
_MOST_BYTES = 2**20
_LONGEST_NUMBER = 40
_MOST_INPUTS = 20_000
_EMBEDDED = "digits"  # comes with scikit-learn


@dataclass(frozen=True)
class Request:
    """Which scores to compute: those of a record's proxy, as the record says, of some architectures by index."""

    bench: str
    data_set: str
    proxy: ProxyOf
    index: tuple[int, ...]
    seeds: tuple[str, ...]
    protocol: Protocol | None = None
    inputs: InputsOf | None = None

    @classmethod
    def of(cls, record: Record, index: Sequence[int]) -> "Request":
        """The request for some architectures of a record."""
        place = record.bench, record.data_set
        return cls(*place, record.proxy, tuple(index), record.columns, record.protocol, record.inputs)


@dataclass(frozen=True)
class Answer:
    """Scores by seed, in the order of the request, as texts ("nan": no score).

    Or there are none: `why` says what is not here, `fault` what is wrong with the record itself.
    """

    why: str | None = None
    scores: Mapping[str, object] = field(default_factory=dict)
    fault: str | None = None

    def values(self, request: Request) -> dict[str, list[float]]:
        """The scores as numbers.

        Raises:
            CorruptDataError: if they are not those of the request.
        """
        found: dict[str, list[float]] = {}
        for seed in request.seeds:
            texts = self.scores.get(seed)
            if not isinstance(texts, list) or len(texts) != len(request.index):
                raise CorruptDataError("The answer has not the scores of the request.")
            if not all(isinstance(text, str) and len(text) < _LONGEST_NUMBER for text in texts):
                raise CorruptDataError("The answer has a score that is no text.")
            try:
                found[seed] = [float(text) for text in texts]
            except ValueError:
                raise CorruptDataError("The answer has a score that is no number.") from None
        return found


def recomputed(request: Request, folder: Path | None) -> Answer:
    """The scores of a request, or why there are none.

    Args:
        request: what is asked.
        folder: holds the proxy's file; None: proxies of files are not run.
    """
    try:
        spec = _spec(request.proxy, folder)
        archs = BENCHMARKS.get(request.bench).architectures
        chosen = [archs[row] for row in request.index]
        scores: dict[str, object] = {}
        with tempfile.TemporaryDirectory() as home, ScoreStore(Path(home, "scores.sqlite")) as store:
            for seed in request.seeds:
                run = _run(request, spec, seed)
                ensure(run, chosen, store, ExecutionOptions(workers=1))
                values = _values(run, spec, chosen, store)
                if not np.array_equal(values[:1], _values(run, spec, chosen[:1], store), equal_nan=True):
                    return Answer(f"{spec.name} combines its components over the whole population")
                scores[seed] = [repr(float(value)) for value in values]
        return Answer(None, scores)
    except MissingDataError as error:
        return Answer(str(error).rstrip("."))
    except HarnessError as error:
        return Answer(fault=str(error).rstrip("."))


def write_request(folder: Path, request: Request) -> None:
    """Write request.json."""
    write_whole(folder / REQUEST, json.dumps(plain(request)).encode())


def read_answer(folder: Path) -> Answer:
    """The answer in a folder, which foreign code may have written.

    Raises:
        CorruptDataError: if there is none, or it is something else.
    """
    path = folder / ANSWER
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or status.st_size > _MOST_BYTES:
            raise CorruptDataError("The answer is a link or too large.")
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
            raise CorruptDataError("The answer is no file.")
        return read_into(Answer, json.loads(path.read_text("utf-8")), Source(noun="field", file="answer.json"))
    except HarnessError:
        raise
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        raise CorruptDataError("The proxy's process ended without an answer.") from None


def _spec(proxy: ProxyOf, folder: Path | None) -> ProxySpec:
    """The proxy with its options.

    Raises:
        MissingDataError: if its code is not here, or not to be run.
        UnknownNameError, OptionError: for a name or option that there is not.
    """
    if proxy.origin in (Origin.elsewhere, Origin.function):
        raise MissingDataError(f"The code of {proxy.name} is not part of the record")
    if proxy.origin is not Origin.built_in and folder is None:
        raise MissingDataError(f"The code of {proxy.name} is foreign and was not run; --run-code runs it")
    if proxy.origin is Origin.file:
        word = str(Path(str(folder)) / PROXY)
    else:  # never a word of its own: it could be a path, or "all"
        word = proxy.name
        if word not in PROXIES:
            raise MissingDataError(f"No proxy is called {word} here")
    if proxy.origin is Origin.package:
        _require_package(proxy)
    spec = _named(word, proxy, {})
    is_own = spec.proxy_class.__module__.partition(".")[0] == "proxies"
    if (proxy.origin is Origin.built_in) != is_own:
        raise CorruptDataError(f"{proxy.name} is not {proxy.origin.value}")
    if str(spec.proxy_class.version) != proxy.version:
        raise CorruptDataError(f"{proxy.name} has the version {spec.proxy_class.version} here, not {proxy.version}")
    spec = _named(word, proxy, {proxy.name: proxy.options})
    if not spec.proxy_class.deterministic:
        raise MissingDataError(f"{proxy.name} is measured, and comes out otherwise each time")
    return spec


def _named(word: str, proxy: ProxyOf, options: Mapping[str, Mapping[str, object]]) -> ProxySpec:
    """The proxy of the record's name among those that a word stands for.

    Raises:
        CorruptDataError: if there is none.
    """
    found = [one for one in parse_proxies([word], options) if one.name == proxy.name]
    if not found:
        raise CorruptDataError(f"{PROXY} has no proxy that is called {proxy.name}")
    return found[0]


def _require_package(proxy: ProxyOf) -> None:
    """Check that the package of a proxy is installed, in the version and with the file of the record."""
    try:
        here = version(str(proxy.package))
    except (PackageNotFoundError, ValueError):
        raise MissingDataError(f"The package {proxy.package} of {proxy.name} is not installed") from None
    file = Path(str(sys.modules[PROXIES.get(proxy.name).__module__].__file__))
    if here != proxy.package_version or sha256_of(file) != proxy.sha256:
        raise MissingDataError(f"The package {proxy.package} is here in another version than the record's")


def _run(request: Request, spec: ProxySpec, seed: str) -> ScoringRun:
    """The scoring run of one seed, on the batches of the record.

    Raises:
        MissingDataError: if its images are not here.
    """
    protocol = request.protocol or Protocol()
    if protocol.n_batches * protocol.batch_size > _MOST_INPUTS:
        raise CorruptDataError(f"Its batches have more than {_MOST_INPUTS:,} inputs")
    settings = Settings(protocol=protocol, seed=0 if seed == NO_SEED else int(seed))
    if request.inputs is not None:
        settings = Settings(protocol=settings.protocol, seed=settings.seed, inputs=(request.inputs.kind,))
    space, data_set = BENCHMARKS.get(request.bench), DATA_SETS.get(request.data_set)
    if "inputs" not in spec.proxy_class.uses():
        context = ContextSpec(space.word, data_set.name, settings.inputs[0], settings.protocol, settings.seed, "cpu")
        return ScoringRun(context, (spec,), None)
    if request.inputs is None:
        raise CorruptDataError(f"{spec.name} uses images, and the record names none")
    context = ContextSpec.of(space, data_set, settings, settings.seed)
    batches = draw_batches(data_set, context.request)
    if batches.sha256 != request.inputs.sha256.get(seed):
        said = f"The images of {data_set.name} here are not those of the record"
        if request.inputs.kind is InputKind.noise or data_set.name == _EMBEDDED:
            raise CorruptDataError(f"{said}, and they are the same everywhere")
        raise MissingDataError(said)
    return ScoringRun(context, (spec,), batches)


def _values(run: ScoringRun, spec: ProxySpec, archs: Sequence[Architecture], store: ScoreStore) -> NDArray[np.float64]:
    return np.asarray(combined(run, spec, archs, store).values.to_numpy(), dtype=np.float64)


def main(folder: Path) -> int:
    """Answer the request in a folder."""
    values = json.loads((folder / REQUEST).read_text("utf-8"))
    answer = recomputed(read_into(Request, values, Source(noun="field", file=REQUEST)), folder)
    write_whole(folder / ANSWER, json.dumps(asdict(answer)).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
