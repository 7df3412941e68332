"""The command `python -m harness.score BENCH FILE`: proxies on the architectures of a file, with or without truth."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("score"))

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from omegaconf import OmegaConf

from harness.cli.config import read_protocol
from harness.cli.parsers import SWITCH
from harness.columns import ARCH
from harness.errors import MissingDataError, OptionError
from harness.files.atomic import write_whole
from harness.inputs import InputKind, draw_batches, open_data_set, own_data
from harness.paths import conf_folder
from harness.placement import EngineSettings
from harness.protocol import Protocol
from harness.report.escape import csv_text
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import check_device, check_engine
from harness.space import BENCHMARKS, Architecture, SearchSpace, refuse_unfit
from harness.store import OK, ScoreStore

SECONDS = "_s"


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("score", words)


def run(arguments: argparse.Namespace) -> None:
    """Score, print and write the table.

    Raises:
        HarnessError: for a user error or missing data.
    """
    table = _score(arguments)
    print(table.to_string(index=False))
    if arguments.out is not None:
        try:
            write_whole(arguments.out, csv_text(table).encode())
        except OSError as error:
            raise OptionError(f"--out {arguments.out} cannot be written: {error.strerror}.") from None
        print(arguments.out)


def _score(arguments: argparse.Namespace) -> pd.DataFrame:
    """The file's rows, with a column of scores and one of CPU seconds for each proxy."""
    space = BENCHMARKS.get(arguments.bench)
    table = read_architectures(arguments.file, space)
    data_set = open_data_set(arguments.dataset or space.data_sets[0])
    refuse_unfit(space, data_set)
    engine = EngineSettings(arguments.engine, arguments.engine_address)
    if engine.is_local:
        check_device(arguments.device)
    else:
        check_engine(engine, arguments.device)
    specs = tuple(parse_proxies(arguments.proxy, {}))
    context = ContextSpec(
        space.name,
        data_set.name,
        InputKind(arguments.inputs),
        _protocol(arguments),
        arguments.seed,
        arguments.device,
        own_data(data_set),
    )
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)
    run = ScoringRun(context, specs, draw_batches(data_set, context.request) if uses_inputs else None)
    archs = [Architecture(arch) for arch in table[ARCH]]
    with ScoreStore(arguments.store.expanduser()) as store:
        ensure(run, archs, store, ExecutionOptions(arguments.workers, engine=engine))
        for spec in specs:
            table = table.join(_columns(run, spec, store, archs))
    return table


def read_architectures(path: Path, space: SearchSpace) -> pd.DataFrame:
    """A CSV file whose column `arch` names architectures of a space as `SearchSpace.find` takes them: now in full.

    Raises:
        MissingDataError: if there is no such file.
        OptionError: if it is not such a table.
        UnknownNameError: if one is not of the space.
    """
    try:
        table = pd.read_csv(path, dtype={ARCH: str})
    except FileNotFoundError:
        raise MissingDataError(f"There is no file '{path}'; it must be a CSV file with a column {ARCH}.") from None
    except (OSError, ValueError) as error:
        raise OptionError(f"{path} is not a CSV file with a column {ARCH} ({type(error).__name__}).") from None
    if ARCH not in table.columns or table.empty:
        raise OptionError(f"{path} has the columns {', '.join(table.columns)} and {len(table)} rows; it needs {ARCH}.")
    return table.assign(**{ARCH: [space.find(str(arch)) for arch in table[ARCH]]})


def _columns(run: ScoringRun, spec: ProxySpec, store: ScoreStore, archs: Sequence[Architecture]) -> pd.DataFrame:
    scored_as = run.scored_as(spec, archs)
    stored = store.find(run.key(spec), scored_as)
    rows = [stored[arch] for arch in scored_as]
    components = pd.DataFrame([dict(row.components) if row.status == OK else {} for row in rows])
    values = spec.make().combine(components) if len(components.columns) else float("nan")
    return pd.DataFrame({spec.name: values, spec.name + SECONDS: [row.seconds for row in rows]})


def _protocol(arguments: argparse.Namespace) -> Protocol:
    """The protocol of a name, with what the command line says instead."""
    values = OmegaConf.to_container(OmegaConf.load(conf_folder() / "protocol" / f"{arguments.protocol}.yaml"))
    assert isinstance(values, dict)
    named = {str(name): value for name, value in values.items()}
    chosen = {
        "batch_size": arguments.batch_size,
        "residuals": SWITCH.get(arguments.residuals),
        "squeeze_excitation": SWITCH.get(arguments.squeeze_excitation),
    }
    return read_protocol(named | {name: value for name, value in chosen.items() if value is not None})
