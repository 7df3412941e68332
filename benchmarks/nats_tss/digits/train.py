"""Train the embedded benchmark: `python -m benchmarks.nats_tss.digits.train --out FOLDER`; `--help` lists the rest."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.nats_tss.digits.collect import collect
from benchmarks.nats_tss.digits.fit import SPACE, DigitsRun, Trainer
from benchmarks.nats_tss.digits.outcomes import OutcomeFolder
from benchmarks.nats_tss.digits.recipe import Recipe
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.space import Architecture

_COMMAND = "python -m benchmarks.nats_tss.digits.train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, or 2 after a user error, which is reported in one sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        if options.collect is not None:
            collect(options.out, options.collect, Recipe())
            print(f"{options.collect}: {options.collect.stat().st_size:,} bytes")
        else:
            archs = choose(options.cells, options.limit)
            command = f"{_COMMAND} {shlex.join(given)}"
            train(archs, OutcomeFolder(options.out, Recipe()), Recipe(), n_workers=options.workers, command=command)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def choose(cells: Path | None, limit: int | None) -> list[Architecture]:
    """Canonical architectures, each once, in official order or that of the file `cells`; the first `limit` of them.

    Raises:
        MissingDataError: if there is no such file.
        UnknownNameError: if a line of it is no architecture.
        OptionError: if `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise OptionError(f"--limit {limit} is invalid: it must be at least 1.")
    wanted: Sequence[Architecture] = SPACE.architectures
    if cells is not None:
        if not cells.is_file():
            raise MissingDataError(f"There is no file {cells}; --cells needs a file with one architecture per line.")
        lines = cells.read_text(encoding="utf-8").split()
        wanted = [SPACE.check(line) for line in lines]
    chosen: dict[Architecture, None] = {}
    for arch in wanted:
        if len(chosen) == limit:
            break
        chosen.setdefault(SPACE.canonical(arch))
    return list(chosen)


def train(archs: Sequence[Architecture], store: OutcomeFolder, recipe: Recipe, *, n_workers: int, command: str) -> None:
    """Train those of `archs` that `store` lacks, in `n_workers` processes of one thread each.

    Raises:
        OptionError: if `n_workers` is below 1.
        StoreError: if the store is in use, of another recipe, or damaged.
    """
    if n_workers < 1:
        raise OptionError(f"--workers {n_workers} is invalid: it must be at least 1.")
    with store.locked(command):
        finished = store.read()
        wanted = [arch for arch in archs if arch not in finished]
        progress = tqdm(total=len(archs), initial=len(archs) - len(wanted), unit="network", smoothing=0.02)
        os.environ["OMP_NUM_THREADS"] = "1"  # read by the workers when they import torch
        with progress, get_context("spawn").Pool(n_workers, _one_thread) as pool:
            for outcome in pool.imap_unordered(_fit, [(recipe, arch) for arch in wanted]):
                store.append(outcome)
                progress.update()


def _one_thread() -> None:
    torch.set_num_threads(1)


def _fit(task: tuple[Recipe, Architecture]) -> DigitsRun:
    recipe, arch = task
    return _trainer(recipe).fit(arch)


@cache
def _trainer(recipe: Recipe) -> Trainer:
    """One per worker, so that the images are distorted once."""
    return Trainer(recipe)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_COMMAND, description="Train the embedded benchmark; an interrupted run is continued."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the finished networks")
    parser.add_argument("--workers", type=int, default=2, help="single-threaded processes (default: 2)")
    parser.add_argument("--cells", type=Path, metavar="FILE", help="only these architectures, one on each line")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N networks")
    parser.add_argument("--collect", type=Path, metavar="TARGET", help="write the finished truth to this Parquet file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
