"""Pages of the reference that describe plug-ins: proxies, evidence, benchmarks, data sets, ensembles, searchers."""

import ast
import dataclasses
import inspect
import sys
import textwrap
from pathlib import Path

import pandas as pd
from markdown_text import first_sentence, link, prose, table

from harness import columns
from harness.ensembles import ENSEMBLES
from harness.errors import HarnessError
from harness.evidence import EVIDENCE
from harness.inputs import DATA_SETS
from harness.predictors import PREDICTORS
from harness.proxy import PROXIES
from harness.result_tables import read_agreement
from harness.searchers import SEARCHERS
from harness.space import BENCHMARKS, SearchSpace
from harness.truth import Truth
from harness.truth.imports import imports_of
from harness.truth.sources import TRUTH_SOURCES

ROOT = Path(__file__).resolve().parents[2]
_MOST_POPULATIONS = 12


def proxies_page() -> str:
    """Every proxy as a card: definition, paper, evidence, options, measured and published values."""
    measured, published = _measured(), pd.read_csv(ROOT / "conf/published/correlations.csv", dtype=str).fillna("")
    index = table(
        ("proxy", "paper", "definition"),
        ((f"[`{name}`](#{_anchor(name)})", _paper(name), first_sentence(PROXIES.get(name))) for name in PROXIES),
    )
    head = (
        "# Proxies\n\nHigher scores are better. The measured values come from the `agreement.csv` files in `results/`; "
        "brackets "
        "are 95 % confidence intervals over other architectures of the same kind; CPU time is that of the machine on "
        "which "
        "the run was made. Values of different samples or inputs are not to be compared.\n\n"
    )
    return head + index + "\n" + "\n".join(_card(name, measured, published) for name in PROXIES)


def _card(name: str, measured: pd.DataFrame, published: pd.DataFrame) -> str:
    proxy = PROXIES.get(name)
    sees = "live operations only" if proxy.sees.value == "live" else "all operations, dead ones included"
    kinds = ", ".join(f"`{kind.__name__}`" for kind in proxy.evidence().values())
    facts = [
        ("paper", _paper(name)),
        ("evidence", kinds),
        ("sees", sees),
        ("version", proxy.version),
        ("fewest batches", proxy.min_batches),
        ("deterministic", "yes" if proxy.deterministic else "no: it is measured, not computed"),
        ("file", f"`{Path(str(sys.modules[proxy.__module__].__file__)).name}`"),
    ]
    parts = [f"({_anchor(name)})=\n## {name}\n\n{prose(proxy)}\n", table(("property", "value"), facts)]
    options = dataclasses.fields(proxy)  # type: ignore[arg-type]
    if options:
        rows = [
            (f"`+options.{name}.{field.name}`", getattr(field.type, "__name__", field.type), _default(field))
            for field in options
        ]
        parts.append(table(("option", "type", "default"), rows))
    own = measured[measured[columns.PROXY] == name]
    parts.append(_measured_table(own) if len(own) else "No measured agreement is committed in `results/`.\n")
    theirs = published[published["proxy"] == name]
    if len(theirs):
        rows = [
            (
                link(f"{row.source}, {row.table}", row.source),
                row.space,
                row.dataset,
                row.n_archs,
                row.kendall,
                row.spearman,
                row.note,
            )
            for row in theirs.itertuples()
        ]
        parts.append(table(("published in", "benchmark", "data set", "n", "tau", "rho", "note"), rows))
    return "\n".join(parts)


def _measured() -> pd.DataFrame:
    """Values of the project's proxies; a column of a score file that is called as one of them is the file's own."""
    files = sorted((ROOT / "results").glob("**/agreement.csv")) if (ROOT / "results").is_dir() else []
    files = [file for file in files if "runs" not in file.relative_to(ROOT).parts]
    tables = [read_agreement(file).assign(file=file.relative_to(ROOT).as_posix()) for file in files]
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*columns.AGREEMENT, "file"])
    return found[found[columns.VERSION] != columns.EXTERNAL]


def _measured_table(own: pd.DataFrame) -> str:
    rows = [
        (
            row.bench, row.dataset, row.truth, row.inputs, row.options, row.protocol, row.seed, row.n,
            _with_interval(row.tau, row.tau_low, row.tau_high), _with_interval(row.rho, row.rho_low, row.rho_high),
            f"{row.seconds:.3g}", f"`{row.file}`",
        )
        for row in own.itertuples()
    ]  # fmt: skip
    head = (
        "benchmark",
        "data set",
        "truth",
        "inputs",
        "options",
        "protocol",
        "seed",
        "n",
        "tau",
        "rho",
        "CPU s/network",
        "file",
    )
    return table(head, rows)


def _with_interval(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "-"  # all scores are equal
    return f"{value:.3f} [{low:.3f}, {high:.3f}]" if pd.notna(low) else f"{value:.3f}"


def _default(field: "dataclasses.Field[object]") -> str:
    return "required" if field.default is dataclasses.MISSING else f"`{field.default!r}`"


def _anchor(name: str) -> str:
    return f"proxy-{name.replace('_', '-').lower()}"


def _paper(name: str) -> str:
    proxy = PROXIES.get(name)
    if proxy.paper:
        return link(proxy.paper, proxy.paper)
    return "baseline: a count" if proxy.baseline else "none"


def evidence_page() -> str:
    """Every kind of evidence with its fields."""
    parts = [
        "# Evidence\n\nA proxy asks for evidence by the annotations of its `measure`. "
        "Each pass runs once per network, however many proxies ask for it.\n"
    ]
    for name in EVIDENCE:
        kind = EVIDENCE.get(name)
        settings = ", ".join(sorted(kind.uses)) or "nothing but the architecture"
        needs = "runs the network" if kind.runs_network else "needs no network run"
        parts.append(
            f"## {kind.__name__}\n\n{prose(kind)}\n\nRegistered as `{name}`; {needs}; depends on {settings}.\n"
        )
        rows = [(f"`{field}`", f"`{annotation}`") for field, annotation in evidence_fields(kind).items()]
        if rows:
            parts.append(table(("field", "type"), rows))
    return "\n".join(parts)


def evidence_fields(kind: type) -> dict[str, str]:
    """Public fields and their annotations: those that the class or a parent's `__init__` annotates on `self`."""
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if "__init__" not in vars(owner) or not owner.__module__.startswith("harness.evidence"):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                found[node.target.attr] = ast.unparse(node.annotation)
    if dataclasses.is_dataclass(kind):
        found |= {field.name: getattr(field.type, "__name__", str(field.type)) for field in dataclasses.fields(kind)}
    return {name: annotation for name, annotation in found.items() if not name.startswith("_")}


def benchmarks_page() -> str:
    """Every benchmark with its data sets and truth columns, then every data set."""
    parts = ["# Benchmarks, truth and data sets\n"]
    for name in BENCHMARKS:
        space = BENCHMARKS.get(name)
        data_sets = ", ".join(f"`{data_set}`" for data_set in space.data_sets)
        size = size_of(space)
        size = size[0].upper() + size[1:]
        parts.append(f"## {name}\n\n{prose(type(space))}\n\n{size}; data sets: {data_sets}; version {space.version}.\n")
        notations = ((f"`{one.name}`", one.words) for one in space.notations.values())
        parts.append(table(("notation", "how an architecture is written"), notations))
        if space.positions:
            parts.append(_positions_of(space))
        parts.append(_populations_of(space))
        parts.append(_truth_of(name, list(space.data_sets)))
    parts.append("## Data sets\n")
    shape = lambda name: " x ".join(map(str, DATA_SETS.get(name).shape))  # noqa: E731
    parts.append(
        table(
            ("data set", "classes", "shape", "how to get it"),
            ((f"`{n}`", DATA_SETS.get(n).n_classes, shape(n), DATA_SETS.get(n).how_to_get) for n in DATA_SETS),
        )
    )
    return "\n".join(parts)


def _positions_of(space: SearchSpace) -> str:
    """What a restriction can name: the positions with their values, those with equal values in one row."""
    alike: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for position in space.positions:
        alike.setdefault((position.values, position.is_shared), []).append(f"`{position.name}`")
    rows = (
        (", ".join(names), ", ".join(f"`{value}`" for value in values) + (" (of all parts)" if is_shared else ""))
        for (values, is_shared), names in alike.items()
    )
    return table(("positions of `restrict=`", "values"), rows)


def _populations_of(space: SearchSpace) -> str:
    """The populations, the default one first, and which column is the default truth of each data set."""
    names = sorted(space.populations, key=lambda name: name != space.default_population)
    rows = [(f"`{name}`", space.populations[name]) for name in names[:_MOST_POPULATIONS]]
    if len(names) > _MOST_POPULATIONS:
        rows.append((f"{len(names) - _MOST_POPULATIONS} more", "a name that there is not is answered with the nearest"))
    columns = {name: [one] if isinstance(one, str) else list(one) for name, one in space.default_truth.items()}
    said = (f"{name}: {' or else '.join(f'`{one}`' for one in found)}" for name, found in columns.items())
    default = f"Default truth, unless `truth=` names another: {'; '.join(said)}.\n\n" if columns else ""
    return default + table(("population", "of what; the first is the default"), rows)


def size_of(space: SearchSpace) -> str:
    """How many architectures there are, in words."""
    if not space.enumerable:
        return "too many architectures to list"
    size = f"{len(space.architectures):,} architectures"
    return size if space.complete else f"{size} that were trained, of many more that can be searched"


def _truth_of(name: str, data_sets: list[str]) -> str:
    sources = [TRUTH_SOURCES.get(key) for key in TRUTH_SOURCES if TRUTH_SOURCES.get(key).benchmark == name]
    parts = [f"- `{source.key}`: `{source.command}`; licence: {source.licence}" for source in sources]
    imports = imports_of(name)
    parts += [f"- `{one.name}`: {one.how_to_get}; licence: {one.licence}" for one in imports]
    try:
        truth = Truth.open(name, Path(__file__).parent / "no_data_home")
        found = [column for data_set in data_sets for column in truth.columns(data_set)]
    except HarnessError:
        found = []
    if found:
        rows = [(f"`{c.name}`", c.dataset, c.metric, c.unit, c.split, c.epochs, c.seeds, c.note) for c in found]
        parts.append(
            "\n" + table(("truth column", "data set", "metric", "unit", "split", "epochs", "seeds", "note"), rows)
        )
    if sources or imports:
        parts.append(
            "\nThe columns of the sources above are not known before they are fetched or imported; "
            "`python -m harness.describe` then lists them.\n"
        )
    return "\n".join(parts) + "\n"


def others_page() -> str:
    """Ensembles, predictors and searchers."""
    parts = ["# Ensembles, predictors and searchers\n"]
    for title, registry in (("Ensembles", ENSEMBLES), ("Predictors", PREDICTORS), ("Searchers", SEARCHERS)):
        parts.append(f"## {title}\n")
        parts += [f"### {name}\n\n{prose(registry.get(name))}\n" for name in registry]
    return "\n".join(parts)
