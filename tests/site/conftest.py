"""Sites: of the repository's own records, of a few of them, and of records that have ground truth here."""

import json
import shutil
from pathlib import Path

import pytest

from harness import Settings, evaluate
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.records.files import record_folders
from harness.records.making import submit
from harness.site.__main__ import write_site

RECORDS = Path(__file__).parents[2] / "results" / "records"
FEW = ("naswot", "params", "zico")


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory) -> Path:
    """All records of the repository."""
    out = tmp_path_factory.mktemp("site")
    write_site(RECORDS, out)
    return out


@pytest.fixture(scope="session")
def few_records(tmp_path_factory) -> Path:
    """Some of the repository's records, on 1,000 architectures each."""
    root = tmp_path_factory.mktemp("few")
    for folder in record_folders(RECORDS):
        values = json.loads((folder / "record.json").read_text())
        if values["proxy"]["name"] in FEW and values["scores"]["n"] == 1000:
            shutil.copytree(folder, root / folder.relative_to(RECORDS))
    return root


@pytest.fixture(scope="session")
def digits_records(tmp_path_factory) -> Path:
    """naswot and two counts on forty architectures of the embedded benchmark, whose ground truth is always here."""
    home = tmp_path_factory.mktemp("digits")
    settings = Settings(
        sample=40,
        inputs=(InputKind.noise,),
        protocol=Protocol(n_batches=1, batch_size=8),
        store=home / "scores.sqlite",
        out=home / "run",
        workers=1,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.agreement.resampling.MOST_REPLICATES", 40)
        evaluate(["naswot", "params", "flops_live"], settings=settings)
        submit(home / "run", home / "records", home / "scores.sqlite")
    return home / "records"


@pytest.fixture(scope="session")
def digits_site(digits_records, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("digits-site")
    write_site(digits_records, out)
    return out
