"""An installed wheel works from any folder: it holds the configuration and the embedded benchmark."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The wheel's contents, as pip would put them into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_holds_three_packages_and_the_configuration(unpacked):
    packages = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"harness", "proxies", "benchmarks"}
    assert (unpacked / "harness/conf/config.yaml").is_file()
    assert (unpacked / "harness/conf/protocol/paper.yaml").is_file()
    assert (unpacked / "benchmarks/nats_tss/digits/truth.parquet").is_file()


@pytest.mark.long
def test_it_evaluates_from_an_empty_folder(unpacked, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    script = "import harness, sys; from harness.__main__ import main; print(harness.__file__); sys.exit(main())"
    command = [sys.executable, "-c", script, "proxy=params", "sample=20", "out=here"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(unpacked))
    assert (tmp_path / "here/agreement.csv").is_file()
