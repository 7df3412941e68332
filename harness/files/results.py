"""Files of results, each written whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError, OptionError


def write_files(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into `out`, which is made if need be; files of these names are replaced.

    Raises:
        OptionError: the folder cannot be made or written.
        HarnessError: the disk is full, or another failure of writing.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write_whole(out / name, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HarnessError(
                f"The disk of {out} is full ({error.strerror}). Make room or choose another folder with out=FOLDER; "
                "scores are in the store, so the same command writes the files without computing."
            ) from error
        raise OptionError(
            f"The results cannot be written into {out}: {error.strerror or error}. "
            "Choose a folder that can be written with out=FOLDER."
        ) from error


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that a reader or a kill never sees half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files private; results are as readable as the user's other files.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
