"""Where data lie: the data home, the image home and the mirror, each named by an environment variable."""

import os
from pathlib import Path

import platformdirs

DATA_VARIABLE = "HARNESS_DATA"
IMAGES_VARIABLE = "HARNESS_IMAGES"
MIRROR_VARIABLE = "HARNESS_MIRROR"
ORACLES_VARIABLE = "HARNESS_TRUTH"


def data_home() -> Path:
    """Folder of fetched tables: `HARNESS_DATA`, by default the platform's user cache folder. It need not exist."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("nas-proxy-harness")


def images_home() -> Path:
    """Folder with `real/` and `substitute/` images: `HARNESS_IMAGES`, by default `images` in the data home."""
    named = os.environ.get(IMAGES_VARIABLE)
    return Path(named).expanduser() if named else data_home() / "images"


def truth_home(home: Path | None = None) -> Path:
    """Folder of the converted truth tables, one subfolder per benchmark, in `home` (default: the data home)."""
    return (home or data_home()) / "truth"


def downloads_home(home: Path | None = None) -> Path:
    """Folder in `home` (default: the data home) for checked downloads until they are converted or unpacked."""
    return (home or data_home()) / "downloads"


def mirror() -> str | None:
    """Folder or URL that replaces the download hosts: `HARNESS_MIRROR`, None where it is not set."""
    return os.environ.get(MIRROR_VARIABLE) or None


def oracles_home() -> Path | None:
    """Folder of tables joined from published files by code of its own: `HARNESS_TRUTH`, None where it is not set."""
    named = os.environ.get(ORACLES_VARIABLE)
    return Path(named).expanduser() if named else None


def conf_folder() -> Path:
    """The configuration: `conf/` beside this package in a checkout, inside it in an installed wheel."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "conf"
