"""The command `python -m harness.score BENCH FILE`: proxies on the architectures of a file, with or without truth."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("score"))

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.cli.config import data_options, named_protocol
from harness.cli.parsers import SWITCH
from harness.columns import ARCH
from harness.errors import OptionError
from harness.evaluation.architecture_file import ArchitectureFile, read_architecture_file
from harness.evaluation.pairs import data_set_for
from harness.evaluation.restriction import open_restriction
from harness.files.atomic import write_whole
from harness.inputs import DataSet, InputKind, draw_batches, not_by_name
from harness.placement import LOCAL, EngineSettings
from harness.protocol import Protocol, fitted
from harness.report.escape import csv_text
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import Settings, check_device, check_engine
from harness.space import Architecture, SearchSpace, space_of
from harness.space.notation import shown
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
    rows = read_architecture_file(arguments.file.expanduser(), "FILE")
    space = space_of(arguments.bench, rows.texts)
    archs = rows.found(space)
    table = _kept(rows, archs)
    data_set = data_set_for(space, arguments.dataset, data_options(arguments.data), arguments.loss)
    if arguments.restrict is not None:
        table = _inside(table, space, data_set, arguments)
        archs = [Architecture(arch) for arch in table[ARCH]]
    if arguments.engine_address is not None and arguments.engine == LOCAL:
        raise OptionError(f"--engine-address {arguments.engine_address} is for a cluster; give --engine ray with it.")
    engine = EngineSettings(arguments.engine, arguments.engine_address)
    if engine.is_local:
        check_device(arguments.device)
    else:
        check_engine(engine, arguments.device)
    specs = tuple(parse_proxies(arguments.proxy, {}))
    inputs, protocol = InputKind(arguments.inputs), _protocol(arguments)
    context = ContextSpec(
        space.word,
        data_set.name,
        inputs,
        protocol if inputs is InputKind.noise else fitted(protocol, data_set),
        arguments.seed,
        arguments.device,
        not_by_name(data_set),
    )
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)
    run = ScoringRun(context, specs, draw_batches(data_set, context.request) if uses_inputs else None)
    with ScoreStore(arguments.store.expanduser()) as store:
        ensure(run, archs, store, ExecutionOptions(arguments.workers, engine=engine))
        for spec in specs:
            table = _joined(table, _columns(run, spec, store, archs), arguments.file)
    return table


def _kept(rows: ArchitectureFile, archs: Sequence[Architecture]) -> pd.DataFrame:
    """The rows of a file as they are, with the architectures in full in the column arch.

    Raises:
        OptionError: if two columns are called the same.
    """
    twice = next((name for at, name in enumerate(rows.header) if name in rows.header[:at]), None)
    if twice is not None:
        raise OptionError(f"'{rows.path}' has the column '{shown(twice)}' more than once; rename one.")
    table = pd.DataFrame(list(rows.cells), columns=list(rows.header))
    if ARCH not in table.columns:
        table.insert(0, ARCH, "")
    return table.assign(**{ARCH: archs})


def _inside(table: pd.DataFrame, space: SearchSpace, data_set: DataSet, arguments: argparse.Namespace) -> pd.DataFrame:
    """The rows of which the architecture is inside the restriction.

    Raises:
        OptionError: if none is.
    """
    restriction = open_restriction(space, data_set, Settings(restrict=arguments.restrict))
    assert restriction is not None  # a file is named
    inside = restriction.inside([Architecture(arch) for arch in table[ARCH]])
    if not inside.any():
        raise OptionError(restriction.file.said(f"none of the {len(table):,} rows of {arguments.file} is inside."))
    if not inside.all():
        said = f"note: {int((~inside).sum()):,} of {len(table):,} rows are outside {arguments.restrict} and left out"
        print(said, file=sys.stderr)
    return table[inside].reset_index(drop=True)


def _joined(table: pd.DataFrame, found: pd.DataFrame, file: Path) -> pd.DataFrame:
    taken = [name for name in found.columns if name in table.columns]
    if taken:
        raise OptionError(f"'{file}' has a column '{taken[0]}' already, where the scores would go; rename it.")
    return table.join(found)


def _columns(run: ScoringRun, spec: ProxySpec, store: ScoreStore, archs: Sequence[Architecture]) -> pd.DataFrame:
    scored_as = run.scored_as(spec, archs)
    stored = store.find(run.key(spec), scored_as)
    rows = [stored[arch] for arch in scored_as]
    components = pd.DataFrame([dict(row.components) if row.status == OK else {} for row in rows])
    values = spec.combined(components)
    return pd.DataFrame({spec.name: values, spec.name + SECONDS: [row.seconds for row in rows]})


def _protocol(arguments: argparse.Namespace) -> Protocol:
    """The protocol of a name, with what the command line says instead."""
    chosen: dict[str, Any] = {
        "batch_size": arguments.batch_size,
        "residuals": SWITCH.get(arguments.residuals),
        "squeeze_excitation": SWITCH.get(arguments.squeeze_excitation),
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return replace(named_protocol(arguments.protocol), **given)
