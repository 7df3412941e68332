"""Archives of image data sets: unpacked only if every member stays inside one named folder."""

import shutil
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import CorruptDataError
from harness.files.atomic import md5_of, part_path, sha256_of
from harness.files.downloads import RemoteFile, discard, download

_MAX_UNPACKED_BYTES = 2**30  # CIFAR unpacks to 186 MB; no archive that is fetched here reaches a gibibyte


@dataclass(frozen=True)
class ImageArchive:
    """The archive in which a data set's authors publish it.

    `folder` is its only top folder; `files` maps the names of files in it to their published md5.
    """

    file: RemoteFile
    folder: str
    files: Mapping[str, str] = field(hash=False)

    def is_unpacked(self, home: Path) -> bool:
        """Whether all the files lie in `<home>/<folder>`, as published."""
        paths = {home / self.folder / name: md5 for name, md5 in self.files.items()}
        return all(path.is_file() and md5_of(path) == md5 for path, md5 in paths.items())


@dataclass(frozen=True)
class ImageFolder:
    """Files that a data set's authors publish individually, read unchanged from one folder."""

    files: tuple[RemoteFile, ...]
    folder: str

    def is_whole(self, home: Path) -> bool:
        """Whether all the files lie in `<home>/<folder>`, as published."""
        paths = {home / self.folder / PurePosixPath(file.key).name: file for file in self.files}
        return all(path.is_file() and sha256_of(path) == file.sha256 for path, file in paths.items())


def fetch_archive(archive: ImageArchive | ImageFolder, home: Path, downloads: Path) -> list[str]:
    """Fetch an archive or a list of files into `<home>/<folder>`, unless it is complete; returns messages.

    The downloads are deleted afterwards.

    Raises:
        MissingDataError: if the source cannot be reached.
        CorruptDataError: if the archive, or a file in it, differs from the published one.
    """
    if isinstance(archive, ImageFolder):
        return _fetch_files(archive, home, downloads)
    folder = home / archive.folder
    if archive.is_unpacked(home):
        return [f"{folder} is complete."]
    path = download(archive.file, downloads)
    former = unpack(path, folder)
    if not archive.is_unpacked(home):
        raise CorruptDataError(f"{path} was unpacked to {folder}, but its files differ from the published ones.")
    discard(archive.file, downloads)
    kept = [f"The previous contents were moved to {former}."] if former else []
    return [f"Unpacked {archive.file.url} to {folder}.", *kept]


def _fetch_files(published: ImageFolder, home: Path, downloads: Path) -> list[str]:
    """Download the files and move them into their folder atomically."""
    folder = home / published.folder
    if published.is_whole(home):
        return [f"{folder} is complete."]
    paths = [download(file, downloads) for file in published.files]
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = part_path(folder)
    staging.mkdir()
    try:
        for path in paths:
            shutil.copyfile(path, staging / path.name)
        former = _set_aside(folder)
        staging.replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for file in published.files:
        discard(file, downloads)
    kept = [f"The previous contents were moved to {former}."] if former else []
    return [f"Put {len(paths)} files into {folder}.", *kept]


def unpack(archive: Path, folder: Path) -> Path | None:
    """Unpack a tar archive, whose only top-level folder is called `folder.name`, as `folder`, atomically.

    Returns:
        The folder to which the previous contents of `folder` were moved, None if there were none.

    Raises:
        CorruptDataError: if the archive is damaged, or a member is a link, a device, or lies outside that folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = part_path(folder)
    try:
        try:
            with tarfile.open(archive) as tar:
                members = tar.getmembers()
                _check_members(archive, members, folder.name)
                _extract(tar, members, staging)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise CorruptDataError(f"{archive} is not a complete tar archive ({error}). Fetch it again.") from error
        former = _set_aside(folder)
        (staging / folder.name).replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return former


def _extract(tar: tarfile.TarFile, members: list[tarfile.TarInfo], folder: Path) -> None:
    """Write the checked members as plain files; their owners, modes and times are not restored.

    `extractall(filter="data")` would do the same, but Python 3.11 has it from 3.11.4 on only.
    """
    for member in members:
        target = folder / member.name
        contents = tar.extractfile(member)  # None for a folder
        (target.parent if contents else target).mkdir(parents=True, exist_ok=True)
        if contents:
            with contents, target.open("wb") as written:
                shutil.copyfileobj(contents, written)


def _check_members(archive: Path, members: list[tarfile.TarInfo], top: str) -> None:
    """Refuse an archive that could write outside `top` or fill the disk.

    Raises:
        CorruptDataError: naming the first such member.
    """
    for member in members:
        parts = PurePosixPath(member.name).parts
        if not (member.isfile() or member.isdir()):
            raise CorruptDataError(f"{archive} holds '{member.name}', a link or device. Nothing was unpacked.")
        if not parts or parts[0] != top or ".." in parts or "\\" in member.name:
            raise CorruptDataError(
                f"{archive} holds '{member.name}', which lies outside the folder '{top}'. Nothing was unpacked."
            )
    if not any(member.isfile() for member in members):
        raise CorruptDataError(f"{archive} holds no files in a folder '{top}'. Nothing was unpacked.")
    n_bytes = sum(member.size for member in members)
    if n_bytes > _MAX_UNPACKED_BYTES:
        raise CorruptDataError(
            f"{archive} would unpack to {n_bytes:,} bytes; the limit is {_MAX_UNPACKED_BYTES:,}. Nothing was unpacked."
        )


def _set_aside(folder: Path) -> Path | None:
    """Rename an existing folder rather than delete it: it may hold the user's own files."""
    if not folder.exists():
        return None
    number = 1
    while (former := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    return folder.rename(former)
