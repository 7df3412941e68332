"""Two proxies compared: the numbers of the pairs are those of the records and of SciPy."""

import shutil

import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata

from harness.errors import CorruptDataError
from harness.records.files import read_record, read_scores, record_folders
from harness.site.compare import _effects, compared_places
from harness.space import BENCHMARKS


def stored(root):
    return {one.record.proxy.name: one for one in map(read_record, record_folders(root))}


def test_the_paired_difference_is_that_of_the_record(digits_records) -> None:
    """naswot less params, over cells and over networks, with the interval, as naswot's own record states it."""
    records = stored(digits_records)
    (place,) = compared_places(list(records.values()))
    names = {name: one.record.identity for name, one in records.items()}
    stated = records["naswot"].record.statistics.against["params"]
    key = f"{names['params']} {names['naswot']}"
    turned = key not in place["pairs"]
    pair = place["pairs"][f"{names['naswot']} {names['params']}" if turned else key]
    for vote in ("cells", "networks"):
        first, second, delta, low, high = pair[vote]
        if turned:
            delta, low, high = -delta, -high, -low
        own = getattr(stated, vote)
        assert [delta, low, high] == pytest.approx([own.delta, own.delta_low, own.delta_high], rel=1e-4)
        by_seed = next(iter(records["naswot"].record.statistics.by_seed.values()))
        assert (first if turned else second) == pytest.approx(getattr(by_seed, vote).tau, rel=1e-4)
    assert pair["n_truth"] == 40
    assert pair["enumerated"] is False


def test_tau_with_each_other_and_ranks_are_scipys(digits_records) -> None:
    records = stored(digits_records)
    (place,) = compared_places(list(records.values()))
    values = {one.record.identity: next(iter(read_scores(one).by_seed.values())) for one in records.values()}
    assert len(place["pairs"]) == 3
    for key, pair in place["pairs"].items():
        first, second = key.split()
        assert pair["between"]["cells"] == pytest.approx(kendalltau(values[first], values[second]).statistic, rel=1e-4)
    for name, column in values.items():
        np.testing.assert_allclose(place["ranks"][name], rankdata(-column))
    assert place["indices"] == read_scores(records["params"]).index.tolist()
    assert len(place["held"]) == len(place["effects"][records["params"].record.identity]) == 30


def test_without_ground_truth_two_proxies_are_compared_with_each_other(few_records) -> None:
    """That of CIFAR-10 is fetched, not embedded."""
    places = compared_places([read_record(folder) for folder in record_folders(few_records)])
    assert {place["dataset"] for place in places} == {"cifar10", "cifar100"}
    for place in places:
        assert place["truth"] is place["truth_ranks"] is None
        for pair in place["pairs"].values():
            assert set(pair) == {"n", "between"}
            assert -1 <= pair["between"]["networks"] <= 1


def test_values_that_only_unscored_architectures_hold_have_no_mean_rank(digits_records) -> None:
    """Of two architectures one has no score: what it alone holds is None, the rest stays in place."""
    space = BENCHMARKS.get("nats_tss")
    archs = [space.find("0"), space.find("15624")]
    held = space.values_held(archs)
    labels, effects = _effects(space, held, {"a": np.array([1.0, np.nan]), "b": np.array([1.0, 2.0])})
    of_first = [value in values for values, (_, value) in zip(_at(space, archs[0], labels), labels, strict=True)]
    of_second = [value in values for values, (_, value) in zip(_at(space, archs[1], labels), labels, strict=True)]
    assert [one is not None for one in effects["a"]] == of_first
    assert [one is not None for one in effects["b"]] == [x or y for x, y in zip(of_first, of_second, strict=True)]


def _at(space, arch, labels):
    held = dict(zip([position.name for position in space.positions], space.values_at(arch), strict=True))
    return [held[position] for position, _ in labels]


def test_a_table_that_was_changed_is_found(digits_records, tmp_path) -> None:
    shutil.copytree(digits_records, tmp_path / "records")
    for folder in record_folders(tmp_path / "records"):
        (folder / "scores.parquet").write_bytes(b"no table")
    with pytest.raises(CorruptDataError, match="sha256"):
        compared_places([read_record(folder) for folder in record_folders(tmp_path / "records")])


def test_one_record_alone_is_compared_with_nothing(digits_records) -> None:
    assert compared_places([stored(digits_records)["params"]]) == []
