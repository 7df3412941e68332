"""Files of other people's releases: pinned by sha256, fetched whole or not at all."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.files.atomic import md5_of, replacing, sha256_of
from harness.files.web import WebError, fetch
from harness.paths import MIRROR_VARIABLE, mirror

_SECONDS, _SLOWEST = 120.0, 50_000.0  # a download may take two minutes, and a second for each 50 kB


@dataclass(frozen=True)
class RemoteFile:
    """A file that somebody published.

    `key` is its path under a mirror; `n_bytes` and the checksums are of the file as published.
    """

    key: str
    url: str
    sha256: str
    n_bytes: int
    md5: str = ""


def github_file(release: str, path: str, sha256: str, n_bytes: int) -> RemoteFile:
    """A file of a public repository at one commit; `release` is `<owner>/<repository>/<commit>`."""
    key = f"{release}/{path}"
    return RemoteFile(key, f"https://raw.githubusercontent.com/{key}", sha256, n_bytes)


def github_source(release: str, path: Path) -> str:
    """What tables of ground truth call a file that `github_file` fetched: `owner/repository@commit folder/file`."""
    owner, repository, commit = release.split("/")
    return f"{owner}/{repository}@{commit[:7]} {path.parent.name}/{path.name}"


def location(file: RemoteFile) -> str:
    """Path or URL that the file is fetched from: under `HARNESS_MIRROR` where that is set, else its own host.

    Raises:
        OptionError: if `HARNESS_MIRROR` is neither a folder nor an http(s) URL.
    """
    named = mirror()
    if named is None:
        return file.url
    if named.startswith(("http://", "https://")):
        return f"{named.rstrip('/')}/{file.key}"
    if "://" in named or not Path(named).expanduser().is_dir():
        raise OptionError(f"{MIRROR_VARIABLE}={named} is neither a folder nor an http(s) URL.")
    return str(Path(named).expanduser() / file.key)


def download(file: RemoteFile, folder: Path) -> Path:
    """Fetch a file to `<folder>/<key>`, or find it there, and check it.

    Raises:
        MissingDataError: if it cannot be reached.
        CorruptDataError: if what came is not what was published; nothing is kept of it.
    """
    target = folder / file.key
    if target.is_file() and sha256_of(target) == file.sha256:
        return target
    source = location(file)
    with replacing(target) as part:
        if source.startswith(("http://", "https://")):
            _from_web(file, source, part)
        else:
            _from_folder(Path(source), part)
        check(file, part, source)
    return target


def discard(file: RemoteFile, folder: Path) -> None:
    """Delete a downloaded file and the folders that this leaves empty, `folder` among them."""
    target = folder / file.key
    target.unlink(missing_ok=True)
    with suppress(OSError):  # the first folder that is not empty, or is gone, ends it
        for parent in target.parents:
            parent.rmdir()
            if parent == folder:
                break


def check(file: RemoteFile, path: Path, source: str) -> None:
    """Compare size and checksums with the published ones.

    Raises:
        CorruptDataError: at the first difference, naming `source`.
    """
    again = f"The file was discarded. Try again, or set {MIRROR_VARIABLE} to another source."
    n_bytes = path.stat().st_size
    if n_bytes != file.n_bytes:
        raise CorruptDataError(f"{source} gave {n_bytes:,} bytes instead of the published {file.n_bytes:,}. {again}")
    found = sha256_of(path)
    if found != file.sha256:
        raise CorruptDataError(
            f"{source} is damaged or changed: its sha256 is {found[:12]}..., the published one {file.sha256[:12]}.... "
            f"{again}"
        )
    if file.md5 and md5_of(path) != file.md5:
        raise CorruptDataError(f"{source} has a different md5 than the published {file.md5}. {again}")


def _from_folder(source: Path, part: Path) -> None:
    """Copy from a mirror folder.

    Raises:
        MissingDataError: if the mirror lacks the file or does not let it be read.
    """
    try:
        shutil.copyfile(source, part)
    except OSError as error:
        # Only the reading side is about the mirror; a full disk on our side is reported as itself.
        if error.filename is not None and Path(error.filename) == source:
            raise MissingDataError(
                f"The mirror has no readable file {source}. Unset {MIRROR_VARIABLE} to download it from the "
                "original host."
            ) from error
        raise


def _from_web(file: RemoteFile, url: str, part: Path) -> None:
    """Download, with a progress bar for large files and on a terminal.

    Raises:
        MissingDataError: if the host cannot be reached or answers with an error, or if it takes too long.
        CorruptDataError: if the host has more than was published.
    """
    try:
        fetch(url, part, file.n_bytes, seconds=_SECONDS + file.n_bytes / _SLOWEST)
    except WebError as error:
        raise MissingDataError(
            f"{url} could not be downloaded ({error}). "
            f"Set {MIRROR_VARIABLE} to a folder or URL that holds it as {file.key}."
        ) from error
