"""Archives of image data sets: unpacked only if every member stays inside one named folder."""

import gzip
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import CorruptDataError
from harness.files.atomic import md5_of, part_path, sha256_of
from harness.files.downloads import RemoteFile, discard, download

_MAX_UNPACKED_BYTES = 2**30  # CIFAR unpacks to 186 MB; more than a gibibyte is not an archive that we fetch
_MAX_MEMBERS = 10_000
_MAX_HEADER_BYTES = 2**20  # a member's extended headers are read at once
_LONGEST_PART, _LONGEST_NAME = 255, 1_024  # bytes, as file systems have them


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
        with _told(archive), _opened(archive) as tar:
            members = _members(archive, tar)
            _check_members(archive, members, folder.name)
            _check_by_tarfile(archive, members, staging)
            _extract(tar, members, staging)
        former = _set_aside(folder)
        (staging / folder.name).replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return former


class _Bounded(io.RawIOBase):
    """A seekable file that gives no more at once than a header may have, and nothing past the largest archive."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes.

        Raises:
            ValueError: if that is more than a header has.
        """
        if not 0 <= size <= _MAX_HEADER_BYTES:
            raise ValueError("a header that is too long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place.

        Raises:
            ValueError: if it lies behind the largest archive.
        """
        if offset > _MAX_UNPACKED_BYTES + _MAX_MEMBERS * _MAX_HEADER_BYTES:
            raise ValueError("a member that is too large")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """A tar file, gzipped or not."""
    with archive.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        bounded = _Bounded(gzip.GzipFile(fileobj=file) if gzipped else file)
        with tarfile.open(fileobj=bounded, mode="r:", errors="strict") as tar:
            yield tar


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Tell what a damaged archive raises in one sentence.

    Raises:
        CorruptDataError: in its place.
        OSError: of the disk that is written to.
    """
    try:
        yield
    except CorruptDataError:
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, NotADirectoryError | IsADirectoryError | FileExistsError):
            raise
        raise _damaged(archive, error) from error
    # Headers are numbers and names of several encodings, in records that refer to each other.
    except (tarfile.TarError, EOFError, zlib.error, ValueError, LookupError, OverflowError, RecursionError) as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> CorruptDataError:
    reason = str(error)[:100].encode("ascii", "backslashreplace").decode().replace("\n", " ") or type(error).__name__
    return CorruptDataError(f"{archive} is not a valid tar archive ({reason}). Fetch it again.")


def _members(archive: Path, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members = []
    for member in tar:
        members.append(member)
        if len(members) > _MAX_MEMBERS:
            raise CorruptDataError(f"{archive} holds more than {_MAX_MEMBERS:,} members. Nothing was unpacked.")
    return members


def _extract(tar: tarfile.TarFile, members: list[tarfile.TarInfo], folder: Path) -> None:
    """Write the checked members as plain files; their owners, modes and times stay behind."""
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
    seen: set[str] = set()
    for member in members:
        parts = PurePosixPath(member.name).parts
        name = _shown(member.name)
        if not (member.isfile() or member.isdir()) or member.issparse():
            raise CorruptDataError(f"{archive} holds '{name}', a link, device or sparse file. Nothing was unpacked.")
        if not parts or parts[0] != top or ".." in parts or "\\" in member.name:
            raise CorruptDataError(
                f"{archive} holds '{name}', which lies outside the folder '{top}'. Nothing was unpacked."
            )
        lengths = [len(os.fsencode(part)) for part in parts]
        if max(lengths) > _LONGEST_PART or sum(lengths) + len(lengths) > _LONGEST_NAME or not member.name.isprintable():
            raise CorruptDataError(f"{archive} holds '{name}', a name that no file can have. Nothing was unpacked.")
        folded = "/".join(parts).casefold()  # some file systems take a.txt and A.txt for the same
        if folded in seen:
            raise CorruptDataError(f"{archive} holds '{name}' more than once. Nothing was unpacked.")
        seen.add(folded)
    if not any(member.isfile() for member in members):
        raise CorruptDataError(f"{archive} holds no files in a folder '{top}'. Nothing was unpacked.")
    n_bytes = sum(member.size for member in members)
    if n_bytes > _MAX_UNPACKED_BYTES:
        raise CorruptDataError(
            f"{archive} would unpack to {n_bytes:,} bytes; the limit is {_MAX_UNPACKED_BYTES:,}. Nothing was unpacked."
        )


def _check_by_tarfile(archive: Path, members: list[tarfile.TarInfo], folder: Path) -> None:
    """Refuse what Python's own filter for data refuses, beside the checks above: neither hangs on the other.

    Python 3.11 has the filter from 3.11.4 on; before, a member's path as the system resolves it takes its place.

    Raises:
        CorruptDataError: naming the first such member.
    """
    data_filter = getattr(tarfile, "data_filter", None)
    for member in members:
        if data_filter is None:
            if not (folder / member.name).resolve().is_relative_to(folder.resolve()):
                raise CorruptDataError(
                    f"{archive} holds '{_shown(member.name)}', which lies outside the folder. Nothing was unpacked."
                )
            continue
        try:
            data_filter(member, str(folder))
        except tarfile.TarError as error:
            raise CorruptDataError(
                f"{archive} holds '{_shown(member.name)}', which Python's tarfile refuses. Nothing was unpacked."
            ) from error


def _shown(name: str) -> str:
    """A name in ASCII, its middle left out where it is long."""
    shown = name.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return shown if len(shown) <= 100 else f"{shown[:60]}...{shown[-30:]}"


def _set_aside(folder: Path) -> Path | None:
    """Rename an existing folder rather than delete it: it may hold the user's own files."""
    if not folder.exists():
        return None
    number = 1
    while (former := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    return folder.rename(former)
