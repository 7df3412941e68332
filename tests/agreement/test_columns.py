"""agreement.csv: its columns are a contract, and files of older versions load."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import columns
from harness.agreement import Row, RowKey, Sample, agreement_table, agreements
from harness.errors import CorruptDataError, MissingDataError
from harness.result_tables import proxy_columns, read_agreement, read_verdicts

CONTRACT = (
    "bench,dataset,proxy,version,options,protocol,inputs,truth,seed,"
    "n,n_nan,n_inf,tau,tau_low,tau_high,rho,rho_low,rho_high,seconds"
)
OLD_ROW = "nats_tss,cifar10,null,1,,paper,real,test200,0,15625,3,1,.6,.5,.7,.8,.7,.9,"


def table() -> pd.DataFrame:
    row_key = RowKey("nats_tss", "cifar10", "zico", "1", "", "paper", "real", "test200", "0")
    found = agreements({"zico": np.arange(12.0)}, Sample(np.arange(12.0) % 5, np.arange(12), 50), n_replicates=20)
    return agreement_table([Row(row_key, found["zico"], 0.25), Row(row_key, found["zico"], float("nan"))])


def test_the_contract_comes_first_and_new_columns_are_appended() -> None:
    assert ",".join(columns.AGREEMENT).startswith(CONTRACT + ",tau_sampling_low,")
    assert tuple(table().columns) == columns.AGREEMENT


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "agreement.csv", index=False)
    pd.testing.assert_frame_equal(read_agreement(tmp_path / "agreement.csv"), table())


def test_an_old_file_loads_with_nan_in_the_columns_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "agreement.csv"
    path.write_text(f"{CONTRACT},later\n{OLD_ROW},x\n")
    old = read_agreement(path)
    assert tuple(old.columns) == (*columns.AGREEMENT, "later")
    assert old[list(columns.APPENDED)].isna().all(axis=None)
    assert old[list(columns.APPENDED_TEXT)].to_numpy().tolist() == [["", "all"]]
    assert old[list(columns.OF_NETWORKS)].isna().all(axis=None)
    # A proxy called "null" is no missing value, nor are no options; a missing time is.
    assert [old[name][0] for name in ("proxy", "options", "seed", "n", "tau")] == ["null", "", "0", 15625, 0.6]
    assert old["seconds"].isna().all()


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", f"{CONTRACT.replace(',tau,', ',')}\n", "\x00\xff"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "agreement.csv"
    path.write_text(text)
    with pytest.raises(CorruptDataError, match="is not an agreement table"):
        read_agreement(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"There is no agreement table at .*nowhere\.csv"):
        read_agreement(tmp_path / "nowhere.csv")


def test_proxies_are_the_columns_that_remain() -> None:
    scores = pd.DataFrame(columns=["bench", "dataset", "arch", "index", "truth", "zico", "params"])
    assert proxy_columns(scores) == ["zico", "params"]


def test_verdicts_without_an_interval_are_numbers_that_are_missing(tmp_path: Path) -> None:
    # Below 5 effective classes there is neither interval nor p: some rows have empty cells, all the others numbers.
    (tmp_path / "verdict.csv").write_text(
        "bench,dataset,proxy,version,options,protocol,inputs,truth,seed,baseline,n,delta,delta_low,delta_high,p,beats\n"
        "nats_tss,cifar10,zico,1,,paper,real,test200,0,params,1000,-.006,,,,undecided\n"
        "nats_tss,cifar10,naswot,1,,paper,real,test200,0,params,1000,.025,-.1,.1,.4,undecided\n"
    )
    found = read_verdicts(tmp_path / "verdict.csv")
    assert np.isnan(found["delta_low"][0])
    assert found["delta_low"].dtype == np.float64
    assert found[["delta_low", "delta_high", "p"]].loc[1].tolist() == [-0.1, 0.1, 0.4]
