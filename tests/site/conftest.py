"""The site of the repository's own records."""

from pathlib import Path

import pytest

from harness.site.__main__ import write_site

RECORDS = Path(__file__).parents[2] / "results" / "records"


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    write_site(RECORDS, out)
    return out
