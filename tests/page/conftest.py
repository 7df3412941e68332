"""A run, the page made of it, and a headless browser to look at it with."""

import os
import shutil

import pytest

from harness import Settings, evaluate
from harness.page.__main__ import write_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Points are drawn by WebGL, which without a GPU is computed.
SOFTWARE = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PATIENCE = 180_000  # milliseconds for any one step: where other work runs, a picture takes seconds
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


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        assert os.environ.get("HARNESS_BROWSER") != "required", "HARNESS_BROWSER=required, but there is no Chromium"
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    from playwright import sync_api as api

    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET + SOFTWARE, timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def blank(browser):
    """A function that opens an empty page; on leaving, all are closed."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    context.set_default_timeout(PATIENCE)
    yield context.new_page
    context.close()


@pytest.fixture
def page(blank, page_folder):
    """The page opened from the disk; on leaving, nothing was complained of and nothing asked of another host."""
    opened = blank()
    complaints: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto((page_folder / "index.html").as_uri())
    opened.evaluate("window.ready")
    yield opened
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
