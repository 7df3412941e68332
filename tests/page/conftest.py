"""A run, and the page made of it in a browser."""

import pytest

from harness import Settings, evaluate
from harness.page.__main__ import write_page

PROXIES = ["params", "flops_live", "sum_log_layer_size"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of three counts on forty architectures."""
    home = tmp_path_factory.mktemp("run")
    evaluate(PROXIES, settings=Settings(sample=40, store=home / "scores.sqlite", out=home / "mine"))
    return home / "mine"


@pytest.fixture(scope="module")
def page_folder(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    write_page([run_folder], out)
    return out


@pytest.fixture
def blank(new_context):
    """A function that opens an empty page."""
    return new_context(1300, 1000).new_page


@pytest.fixture
def page(look, page_folder):
    """The page opened from the disk."""
    opened = look(1300, (page_folder / "index.html").as_uri(), 1000)
    opened.evaluate("window.ready")
    return opened
