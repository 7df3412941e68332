"""Records of a run: what they hold, where they lie, and that they are found as they were made."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import columns
from harness.records.files import Scores, read_record, read_scores, record_folders, table_bytes
from harness.records.making import submit
from harness.records.record import Needs, Origin, plain
from harness.records.schema import record_schema
from harness.result_tables import read_agreement, read_verdicts
from harness.submit import main as submit_command

ROOT = Path(__file__).parents[2]


def test_a_record_holds_the_numbers_of_the_run(made, run_folder) -> None:
    agreement = read_agreement(run_folder / "agreement.csv").set_index(columns.PROXY)
    verdicts = read_verdicts(run_folder / "verdict.csv")
    scores = pd.read_parquet(run_folder / "scores.parquet")
    assert len(made.written) == len(agreement) == 2
    for folder in made.written:
        stored = read_record(folder)
        record, name = stored.record, stored.record.proxy.name
        (of_seed,) = record.statistics.by_seed.values()
        assert of_seed.cells.tau == agreement.loc[name, columns.TAU]
        assert of_seed.networks.rho == pytest.approx(agreement.loc[name, columns.RHO_NETWORKS], nan_ok=True)
        (values,) = read_scores(stored).by_seed.values()
        np.testing.assert_array_equal(values, scores[name])
        own = verdicts[verdicts[columns.PROXY] == name].set_index(columns.BASELINE)
        for baseline, against in record.statistics.against.items():
            assert against.cells.delta == pytest.approx(own.loc[baseline, columns.DELTA])
            assert (against.cells.beats or "") == own.loc[baseline, columns.BEATS]


def test_it_says_what_the_proxy_asks_for(made) -> None:
    needs = {read_record(folder).record.proxy.name: read_record(folder).record.needs for folder in made.written}
    assert needs["naswot"] == Needs(images=True, labels=False, backward=False)
    assert needs["params"] == Needs(images=False, labels=False, backward=False)


def test_its_folder_is_named_by_what_was_measured_and_not_by_what_came_out(made) -> None:
    for folder in made.written:
        record = read_record(folder).record
        assert folder.parts[-4:] == record.place.parts
        other = dataclasses.replace(record, cost=dataclasses.replace(record.cost, seconds=9.0))
        assert other.place == record.place
        other = dataclasses.replace(record, seeds=("7",), statistics=_of_seed(record, "7"))
        assert other.place != record.place
        assert other.place.parent == record.place.parent


def _of_seed(record, seed):
    (found,) = record.statistics.by_seed.values()
    return dataclasses.replace(record.statistics, by_seed={seed: found})


def test_submitting_again_changes_nothing(made, run_folder, home) -> None:
    before = {file: file.read_bytes() for file in (home / "records").rglob("*") if file.is_file()}
    again = submit(run_folder, home / "records", home / "scores.sqlite", ["params"])
    assert (len(again.written), len(again.unchanged)) == (0, 1)
    assert {file: file.read_bytes() for file in (home / "records").rglob("*") if file.is_file()} == before


def test_other_scores_of_the_same_measurement_are_not_written_over(made, run_folder, home, tmp_path) -> None:
    shutil.copytree(run_folder, tmp_path / "run")
    scores = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    scores["params"] += np.arange(len(scores))
    scores.to_parquet(tmp_path / "run" / "scores.parquet")
    with pytest.raises(ValueError, match="holds other scores of the same measurement; compare them"):
        submit(tmp_path / "run", home / "records", home / "scores.sqlite", ["params"])


def test_scores_made_elsewhere_are_marked(run_folder, home, tmp_path) -> None:
    """A column of scores= has the version external; whatever it is called, its origin is elsewhere."""
    shutil.copytree(run_folder, tmp_path / "run")
    file = tmp_path / "run" / "agreement.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    table.loc[table["proxy"] == "params", ["version", "options"]] = "external", "scores=theirs.csv"
    table.to_csv(file, index=False)
    made = submit(tmp_path / "run", tmp_path / "records", home / "scores.sqlite", ["params"])
    record = read_record(made.written[0]).record
    assert record.proxy.origin is Origin.elsewhere
    assert record.is_elsewhere
    assert record.needs == Needs()
    assert record.statistics.against  # compared with counts as any other: it is none, whatever its name


def test_what_nobody_else_could_check_is_left_out(run_folder, home, tmp_path, capsys) -> None:
    shutil.copytree(run_folder, tmp_path / "run")
    file = tmp_path / "run" / "agreement.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    table.loc[table["proxy"] == "naswot", "population"] = "mine.csv"
    table.loc[table["proxy"] == "params", "components"] = "naswot+params"
    table.to_csv(file, index=False)
    made = submit(tmp_path / "run", tmp_path / "records", home / "scores.sqlite")
    assert not made.written
    assert "its population mine.csv is a file of your own" in made.left_out[0]
    assert "it is an ensemble" in made.left_out[1]
    assert not (tmp_path / "records").exists()
    words = [str(tmp_path / "run"), "--out", str(tmp_path / "records"), "--store", str(home / "scores.sqlite")]
    assert submit_command(words) == 2
    printed = capsys.readouterr()
    assert printed.out.count("left out: ") == 2
    assert printed.err == "No record was written, for the reasons above.\n"


def test_the_schema_in_the_documentation_is_that_of_the_code() -> None:
    assert json.loads((ROOT / "docs" / "record.schema.json").read_text()) == record_schema()


def test_a_record_fits_its_schema(made) -> None:
    for folder in made.written:
        assert _misfits(json.loads((folder / "record.json").read_text()), record_schema()) == []
        values = plain(read_record(folder).record)
        del values["truth"]["sha256"]  # type: ignore[attr-defined]
        values["cost"] |= {"seconds": "fast", "euros": 1}  # type: ignore[operator]
        assert set(_misfits(values, record_schema())) == {"truth lacks sha256", "cost.euros", "cost.seconds"}


def _misfits(value, schema, path="") -> list[str]:
    """Where a value does not fit a schema; the few words of JSON Schema that records use."""
    if "anyOf" in schema:
        found = [_misfits(value, one, path) for one in schema["anyOf"]]
        return [] if [] in found else [path]
    if "enum" in schema or "const" in schema:
        return [] if value in schema.get("enum", [schema.get("const")]) else [path]
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "array": list}
    if schema.get("type") == "object":
        if not isinstance(value, dict):
            return [path]
        known, rest = schema.get("properties", {}), schema["additionalProperties"]
        wrong = [f"{path} lacks {name}" for name in schema.get("required", ()) if name not in value]
        for name, entry in sorted(value.items()):
            below = f"{path}.{name}".lstrip(".")
            wrong += [below] if name not in known and rest is False else _misfits(entry, known.get(name, rest), below)
        return wrong
    if schema.get("type") == "array":
        if not isinstance(value, list):
            return [path]
        return [one for entry in value for one in _misfits(entry, schema["items"], path)]
    return [] if not schema or isinstance(value, kinds[schema["type"]]) else [path]


def test_missing_and_infinite_scores_survive(tmp_path) -> None:
    import io

    values = np.array([1.0, np.nan, -np.inf, np.inf, -0.0])
    table = pd.read_parquet(io.BytesIO(table_bytes(Scores(np.arange(5), {"none": values}))))
    np.testing.assert_array_equal(table["score"].to_numpy(), values)


def test_all_records_below_a_folder_are_found(made, home) -> None:
    assert record_folders(home / "records") == sorted(made.written)
    assert record_folders(made.written[0] / "record.json") == [made.written[0]]


def test_every_record_of_the_repository_is_read_with_its_scores_and_lies_in_its_place() -> None:
    """Records of earlier formats among them; in a clone, this shows that git knows of every table."""
    root = ROOT / "results" / "records"
    folders = record_folders(root)
    assert len(folders) >= 20
    for folder in folders:
        stored = read_record(folder)
        assert root / stored.record.place == folder
        assert len(read_scores(stored).index) == stored.record.scores.n
    files = [file for file in root.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 3_000_000
