"""Files of results, each written whole or not at all."""

import errno
from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError, OptionError
from harness.files.atomic import write_whole


def write_files(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into `out`, which is made if need be; files of these names are replaced.

    Raises:
        OptionError: the folder cannot be made or written.
        HarnessError: the disk is full, or another failure of writing.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(out / name, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HarnessError(
                f"The disk of {out} is full ({error.strerror}). Free disk space or choose another folder with "
                "out=FOLDER; scores are in the store, so the same command will only write the files."
            ) from error
        raise OptionError(
            f"The results cannot be written into {out}: {error.strerror or error}. "
            "Choose a folder that can be written with out=FOLDER."
        ) from error
