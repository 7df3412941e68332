"""Files that are whole or absent: checksums, and replacement in one step."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART_SUFFIX = ".part"


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Hexadecimal md5 of a file's bytes; only to compare with a checksum that its authors published."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def part_path(target: Path) -> Path:
    """A fresh hidden path in the target's folder, never read by anything, to write to before moving it to `target`."""
    return target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Lend a temporary path; what was written there becomes `target` when the block succeeds, else it is deleted.

    Missing parent folders are made. What was written is on the disk before it takes the name, so that a power failure
    leaves either file whole; a process that is killed leaves a hidden `.part` file and the old `target`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(target)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Lend an empty folder, which becomes `target` when the block succeeds; one of this name is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
        new, former = Path(made, "new"), Path(made, "former")
        new.mkdir()
        yield new
        is_there = target.exists()
        if is_there:
            target.rename(former)
        try:
            new.rename(target)
        except BaseException:
            if is_there:
                former.rename(target)
            raise


def write_whole(target: Path, content: bytes) -> None:
    """Write a file in one step; one of this name is replaced, with the permissions of a new file."""
    with replacing(target) as part:
        part.write_bytes(content)
