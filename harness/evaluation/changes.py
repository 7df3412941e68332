"""Changes: the architectures one step from another, with their counts, ground truth and the scores that are stored."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.columns import ARCH, INDEX
from harness.errors import HarnessError, OptionError
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.own_truth import opened_truth, truth_word
from harness.inputs import DataSet, not_by_name
from harness.protocol import Protocol
from harness.proxy import PROXIES, Sees
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import Settings
from harness.space import Architecture, SearchSpace
from harness.store import OK, ScoreKey, ScoreStore, read_header, read_table

CHANGE, SAME_NETWORK = "change", "same_network"


@dataclass(frozen=True)
class Place:
    """A space and a data set, and the score store or folder of score tables that has the scores there."""

    space: SearchSpace
    data_set: DataSet
    store: Path

    @property
    def data_set_key(self) -> str:
        """What keys of scores call the data set."""
        own = not_by_name(self.data_set)
        return self.data_set.name if own is None else own.key


@dataclass(frozen=True, eq=False)
class Changes:
    """The table of changes, and sentences about its columns.

    `table` has one row per architecture, the described one first: `arch`, `index` (none outside the listed ones),
    `change` (empty for the first), `same_network` (whether it computes the same as the first), a column per stored
    proxy, `params`, `flops`, further costs of the space, and the column of ground truth by its name.
    """

    table: pd.DataFrame
    notes: Sequence[str]


def changes_of(place: Place, arch: Architecture, proxies: Sequence[str] = ()) -> Changes:
    """All architectures one step from `arch` on one data set, highest first score first; nothing is scored.

    Args:
        place: where.
        arch: of the space.
        proxies: whose stored scores are shown; none: all that are stored with default options.

    Raises:
        OptionError: if the space has no neighbours.
        HarnessError: for a store that cannot be read.
    """
    space, data_set = place.space, place.data_set
    if not space.has_neighbours:
        raise OptionError(
            f"--changes needs to know which architectures are one step apart, and {space.name} does not say; give it a "
            "method neighbours(arch)."
        )
    archs = [arch, *space.neighbours(arch)]
    forms = space.canonical_forms(archs)
    table = pd.DataFrame({ARCH: archs, INDEX: pd.array([space.number(one) for one in archs], dtype="Int64")})
    table[CHANGE] = ["", *(change_text(space, arch, one) for one in archs[1:])]
    table[SAME_NETWORK] = [form == forms[0] for form in forms]
    notes: list[str] = []
    scores = dict(_stored(place, archs, parse_proxies(list(proxies) or list(PROXIES), {}), notes))
    costs = pd.DataFrame([space.costs(one, data_set) for one in archs])
    asked = [spec.name for spec in parse_proxies(list(proxies), {})]
    missing = [name for name in asked if name not in scores and name not in costs]
    if missing:
        notes.append(f"{place.store} has no scores of these architectures by {', '.join(missing)}")
    scores = {name: values for name, values in scores.items() if name not in costs}
    table = table.assign(**scores, **{str(name): costs[name] for name in costs})
    notes += _add_truth(table, space, data_set)
    first = table.iloc[1:]
    if scores:
        first = first.sort_values(next(iter(scores)), ascending=False, kind="stable", na_position="last")
    return Changes(pd.concat([table.iloc[:1], first], ignore_index=True), notes)


def change_text(space: SearchSpace, before: Architecture, after: Architecture) -> str:
    """What differs at the space's positions, "0-3: none -> skip_connect"; empty if it names none."""
    if not space.positions:
        return ""
    both = zip(space.positions, space.values_at(before), space.values_at(after), strict=True)
    return "; ".join(
        f"{position.name}: {'+'.join(old) or '-'} -> {'+'.join(new) or '-'}"
        for position, old, new in both
        if old != new
    )


def _add_truth(table: pd.DataFrame, space: SearchSpace, data_set: DataSet) -> list[str]:
    """Add the default column of ground truth; why there is none, if there is none."""
    try:
        word = truth_word(space, data_set, Settings())
        truth = opened_truth(space, data_set, word)
        name = truth.columns(data_set.name)[0].name if word else default_truth(truth, space, data_set)
        values = truth.values(list(table[ARCH]), data_set.name, name)
    except HarnessError as error:
        return [f"no ground truth: {error}"]
    if np.isfinite(values).any():
        table[name] = values
        return []
    return [f"none of these architectures has ground truth in {name}"]


def _stored(
    place: Place, archs: Sequence[Architecture], specs: Sequence[ProxySpec], notes: list[str]
) -> Iterator[tuple[str, "pd.Series[float]"]]:
    """Of each proxy the stored scores of architectures, NaN where it has none; proxies without any are left out.

    Of several settings of a proxy the one that has most of them is taken, then that of the default protocol.
    """
    found: dict[str, tuple[tuple[int, bool], ScoreKey, pd.DataFrame, ProxySpec]] = {}
    by_name = {(f"{spec.name}@{spec.proxy_class.version}", spec.options_json, spec.digest): spec for spec in specs}
    for key, components in _components(place, archs, by_name):
        spec = by_name[key.proxy, key.options, key.source]
        rank = (int(components.notna().any(axis=1).sum()), key.protocol in ("", Protocol().key))
        if rank[0] and rank > found.get(spec.name, ((0, False),))[0]:
            found[spec.name] = (rank, key, components, spec)
    for name in (spec.name for spec in specs):
        if name in found:
            _, key, components, spec = found[name]
            if key.protocol not in ("", Protocol().key):
                said = ", ".join(f"{field}={value}" for field, value in json.loads(key.protocol).items())
                notes.append(f"{name}: scored with {said}")
            yield name, spec.combined(components)


def _components(
    place: Place, archs: Sequence[Architecture], specs: "dict[tuple[str, str, str], ProxySpec]"
) -> Iterator[tuple[ScoreKey, pd.DataFrame]]:
    """For each stored key of the place and of one of the proxies, the components of each architecture [n_archs]."""

    def is_here(key: ScoreKey) -> bool:
        here = (key.space, key.data_set) == (place.space.key, place.data_set_key)
        return here and (key.proxy, key.options, key.source) in specs

    def scored_as(key: ScoreKey) -> Sequence[Architecture]:
        spec = specs[key.proxy, key.options, key.source]
        forms = place.space.canonical_forms(archs) if spec.proxy_class.sees is Sees.LIVE else archs
        return place.space.keyed(forms, place.data_set, key.seed if key.seed >= 0 else None)

    store = place.store.expanduser()
    if store.is_dir():
        for path in sorted((store / place.space.key / place.data_set_key).glob("*.parquet")):
            key = read_header(path).key
            if is_here(key):
                rows = read_table(path).components.reindex([place.space.number(arch) for arch in scored_as(key)])
                yield key, rows.reset_index(drop=True)
        return
    if not store.is_file():
        return
    with ScoreStore(store, read_only=True) as opened:
        for key in filter(is_here, opened.score_keys()):
            names = scored_as(key)
            found = opened.find(key, set(names))
            known = [dict(found[one].components) if one in found and found[one].status == OK else {} for one in names]
            yield key, pd.DataFrame(known, index=range(len(names)), dtype="float64")
