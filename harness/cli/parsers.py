"""The commands that take options instead of KEY=VALUE: their words -> arguments, with names checked before imports."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from harness.cli import record_parsers
from harness.cli.commands import Command
from harness.cli.help import examples
from harness.cli.known import known_names
from harness.cli.names import ALL, checked, meant
from harness.cli.record_parsers import RUNS
from harness.cli.settings_text import choices
from harness.errors import OptionError, UnknownNameError
from harness.registry import unknown_name

LISTINGS = ("proxies", "ensembles", "benchmarks", "datasets", "predictors", "searchers", "tables")
INPUTS = ("real", "substitute", "noise")
SWITCH = {"on": True, "off": False}
_BENCH = "a benchmark, or a file of networks of your own: models.py"


class OneSentenceParser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into ours.

        Raises:
            OptionError: always.
        """
        raise OptionError(f"{message[:1].upper()}{message[1:]}. Try `{self.prog} --help`.")


def parse(command: Command, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command.

    Raises:
        OptionError: for words that cannot be read.
        UnknownNameError: for a name that there is not.
        SystemExit: with code 0, after help.
    """
    parser = OneSentenceParser(
        prog=command.typed,
        description=command.about,
        epilog="\n".join(examples(command)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _refuse_words_for_help(command, words)
    _PARSERS[command.name](parser)
    arguments = parser.parse_args(list(words))
    if command.name in _CHECKS:
        _CHECKS[command.name](arguments)
    return arguments


def _refuse_words_for_help(command: Command, words: Sequence[str]) -> None:
    if words and words[0] in ("help", "version") and command.name != "perf":  # it measures these
        raise OptionError(f"'{words[0]}' is not an argument of this command. Write {command.typed} --{words[0]}.")


def _data(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("status", help="what is on this machine, and how to get the rest")
    fetching = commands.add_parser("fetch", help="download and convert the tables of a benchmark, or images")
    fetching.add_argument("name", metavar="NAME|all", help="a benchmark or data set; all: every benchmark's tables")
    importing = commands.add_parser("import", help="convert a local official release; `status` lists them")
    importing.add_argument("name", metavar="NAME", help="the release: nats_tss, nats_sss, hw_nas_bench, ...")
    importing.add_argument("path", metavar="PATH", type=Path, help="its file or unpacked folder")
    commands.add_parser("verify", help="verify the checksums of all files and name the damaged ones")


IMPORTED = ("hw_nas_bench", "nb360")
"""The releases for `data import` that are called otherwise than their benchmark."""


def _check_data(arguments: argparse.Namespace) -> None:
    if arguments.command == "import":
        arguments.name = meant("benchmark", arguments.name)
    if arguments.command == "fetch":
        known = {kind: known_names(kind) for kind in ("benchmark", "data set")}
        names = [meant(kind, arguments.name) for kind in known]
        found = [name for name, kind in zip(names, known, strict=True) if name in known[kind][0]]
        if not found and arguments.name not in (ALL, *IMPORTED) and all(complete for _, complete in known.values()):
            listed = [*known["benchmark"][0], *known["data set"][0], ALL]
            raise UnknownNameError(unknown_name("table or data set", arguments.name, listed))
        arguments.name = found[0] if found else arguments.name


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="KIND", help=", ".join(LISTINGS))


def _check_list(arguments: argparse.Namespace) -> None:
    if arguments.what not in LISTINGS:
        raise OptionError(unknown_name("list", arguments.what, list(LISTINGS)))


def _describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bench", metavar="BENCH", help=_BENCH)
    parser.add_argument("arch", metavar="ARCH", help="an index, or an official string or another notation")
    _own_data(parser, "the only data set to describe it on (default: all of the benchmark)")
    parser.add_argument("--out", type=Path, help="the picture (default: BENCH-INDEX.png)")
    parser.add_argument("--changes", action="store_true", help="list what is one step away, with its scores")
    parser.add_argument("--csv", type=Path, help="with --changes: write all of them into this file")
    parser.add_argument("--proxy", nargs="+", default=[], metavar="PROXY", help="with --changes: only these proxies")
    parser.add_argument(
        "--store", type=Path, default=Path("results/scores.sqlite"),
        help="with --changes: the score store, or a folder of score tables (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--restrict", type=Path, help="with --changes: say which are inside a restriction: space.yaml")
    parser.add_argument("--mark", type=Path, metavar="FILE", help="add the architecture to a CSV file of marks")
    parser.add_argument("--note", default="", help="with --mark: what to note of it")


def _check_description(arguments: argparse.Namespace) -> None:
    _check_describe(arguments)
    arguments.proxy = [checked("proxy", name) for word in arguments.proxy for name in word.split(",")]
    for name, needs in (("csv", "changes"), ("proxy", "changes"), ("restrict", "changes"), ("note", "mark")):
        if getattr(arguments, name) and not getattr(arguments, needs):
            raise OptionError(f"--{name} is for --{needs}; give --{needs} too.")


def _check_describe(arguments: argparse.Namespace) -> None:
    arguments.bench = checked("benchmark", arguments.bench, further=())
    if getattr(arguments, "dataset", None) is not None:
        arguments.dataset = checked("data set", arguments.dataset, further=())


def _own_data(parser: argparse.ArgumentParser, about: str) -> None:
    """The options that name a data set, which may be the user's own."""
    parser.add_argument("--dataset", help=f"{about}; or your own: images.npz, folder/, loader.py:function")
    parser.add_argument("--loss", help="of your own data (or glue): cross_entropy, mse, ..., or file.py:function")
    parser.add_argument(
        "--data", nargs="+", default=[], metavar="NAME=VALUE", help="how your own data is read, as classes=10 size=224"
    )


def _convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bench", metavar="BENCH", help=_BENCH)
    parser.add_argument("archs", metavar="FILE|ARCH", nargs="+", help="a CSV or Parquet file, or architectures")
    parser.add_argument("--to", metavar="NOTATION", help="arch, index, naslib, ... (default: all, of architectures)")
    parser.add_argument("--from", dest="written", metavar="NOTATION", help="how they are written (default: told)")
    parser.add_argument("--column", help="the file's column of architectures (default: told by its name)")
    parser.add_argument("--out", type=Path, help="a CSV file for the table (default: standard output)")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", type=Path, help="folder of a run, or its agreement.csv")
    parser.add_argument("b", metavar="B", type=Path, help="the other one")
    parser.add_argument("--csv", type=Path, help="write all rows, the equal ones too, into this file")


def _page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="*", type=Path, help="folders of evaluations; the newest of results/runs if none")
    parser.add_argument("--out", type=Path, default=RUNS / "page", help="folder of the page (default: %(default)s)")
    parser.add_argument("--single-file", type=Path, metavar="FILE", help="write one HTML file instead: page.html")


def _score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bench", metavar="BENCH", help=_BENCH)
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a CSV or Parquet file with a column arch; others are kept"
    )
    parser.add_argument("--proxy", nargs="+", default=["zico", "params", "flops"], metavar="PROXY", help="proxies")
    _own_data(parser, "a data set (default: the benchmark's first)")
    parser.add_argument("--protocol", default="paper", help="a file of conf/protocol (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, help="instead of the protocol's")
    parser.add_argument("--residuals", choices=SWITCH, help="instead of the protocol's")
    parser.add_argument("--squeeze-excitation", choices=SWITCH, help="instead of the protocol's")
    parser.add_argument("--inputs", choices=INPUTS, default="real", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--engine", default="local", help="local, or ray: a cluster (default: %(default)s)")
    parser.add_argument("--engine-address", help="of engine ray: auto, local or HOST:PORT (default: auto)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... (default: %(default)s)")
    parser.add_argument("--store", type=Path, default=Path("results/scores.sqlite"), help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, help="a CSV file for the table")
    parser.add_argument("--restrict", type=Path, help="a restriction file; rows outside are left out: space.yaml")


def _check_score(arguments: argparse.Namespace) -> None:
    _check_describe(arguments)
    words = [name for word in arguments.proxy for name in word.split(",")]
    arguments.proxy = [checked("proxy", word) for word in words]
    if arguments.protocol not in choices("protocol"):
        raise OptionError(unknown_name("protocol", arguments.protocol, choices("protocol")))


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proxy", nargs="+", help="a name, a file of a proxy or networks, FILE.py:FUNCTION, a benchmark")
    parser.add_argument("--quick", action="store_true", help="skip cost and direction")
    parser.add_argument("--archs", help="names of networks, where a function builds them: models.py:build --archs=a,b")
    parser.add_argument("--dataset", help="what the networks of a file run on (digits)")


def _check_check(arguments: argparse.Namespace) -> None:
    benches = known_names("benchmark")[0]
    arguments.proxy = [
        bench if (bench := meant("benchmark", word)) in benches else checked("proxy", word, further=())
        for word in arguments.proxy
    ]


def _perf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("measurement", nargs="*", help="what to measure; none for all")
    parser.add_argument("--cells", type=int, default=50, help="random cells of NATS-Bench topology (50)")
    parser.add_argument("--seed", type=int, default=0, help="draws the cells (0)")
    parser.add_argument("--inputs", choices=INPUTS, default="noise", help="images; noise needs no download (noise)")
    parser.add_argument("--batch-size", type=int, default=128, help="images per batch (128)")
    parser.add_argument("--out", type=Path, default=RUNS / "perf", help="folder of the results (results/runs/perf)")


def _check_perf(arguments: argparse.Namespace) -> None:
    if arguments.cells < 1:
        raise OptionError(f"--cells {arguments.cells} is invalid: it must be at least 1.")
    if arguments.batch_size < 1:
        raise OptionError(f"--batch-size {arguments.batch_size} is invalid: it must be at least 1.")
    if arguments.seed < 0:
        raise OptionError(f"--seed {arguments.seed} is invalid: it must be 0 or more.")


def _store(parser: argparse.ArgumentParser) -> None:
    command = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    merging = command.add_parser("merge", help="add the scores of the other stores to the first")
    merging.add_argument("target", type=Path)
    merging.add_argument("sources", type=Path, nargs="+")
    exporting = command.add_parser("export", help="write compact score tables, one per key, without ground truth")
    exporting.add_argument("store", type=Path)
    exporting.add_argument("folder", type=Path, nargs="?", default=Path("results/scores"), help="default: %(default)s")
    exporting.add_argument("--bench", action="append", help="only this benchmark (may be repeated)")
    exporting.add_argument("--proxy", action="append", help="only this proxy (may be repeated)")
    exporting.add_argument("--fewest", type=int, default=1, metavar="N", help="only keys with at least N scores")
    loading = command.add_parser("load", help="copy the scores of score tables into a store")
    loading.add_argument("folder", type=Path)
    loading.add_argument("store", type=Path)
    saving = command.add_parser("salvage", help="copy the good rows of a damaged store into a new one")
    saving.add_argument("store", type=Path)
    saving.add_argument("target", type=Path)
    telling = command.add_parser("info", help="say what a store holds and how much of it is verified")
    telling.add_argument("store", type=Path)
    compacting = command.add_parser("compact", help="verify a store and write it without unused space")
    compacting.add_argument("store", type=Path)


def _check_store(arguments: argparse.Namespace) -> None:
    if arguments.command == "export" and arguments.bench is not None:
        arguments.bench = [checked("benchmark", name, further=()) for name in arguments.bench]


_PARSERS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "data": _data,
    "list": _list,
    "describe": _describe,
    "convert": _convert,
    "compare": _compare,
    "page": _page,
    "score": _score,
    "check": _check,
    "perf": _perf,
    "store": _store,
    "site": record_parsers.site,
    "submit": record_parsers.submit,
    "verify": record_parsers.verify,
    "docs": lambda parser: None,
}
_CHECKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "data": _check_data,
    "list": _check_list,
    "describe": _check_description,
    "convert": _check_describe,
    "score": _check_score,
    "check": _check_check,
    "perf": _check_perf,
    "store": _check_store,
    "verify": record_parsers.check_verify,
}
