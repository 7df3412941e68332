"""Picture files of strangers, opened in the formats that their data set has and no larger than photographs are.

Pillow chooses the format by a file's first bytes: a file called .png that is PostScript would start Ghostscript.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

DAMAGED_IMAGE = (
    *(OSError, ValueError, LookupError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError),
    *(zlib.error, struct.error),
)
"""What Pillow raises on files that are not whole."""

_MOST_PIXELS = 2**26  # the largest photograph of ImageNet has 19 million


@contextmanager
def opened_image(path: Path, formats: Sequence[str]) -> Iterator["Image"]:
    """A picture file, of which only the header has been read.

    Raises:
        ValueError, OSError: if it is of another format, or has more than 67 million pixels.
    """
    from PIL import Image  # imported here: few data sets need it

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(path, formats=tuple(formats))
        except bombs as error:
            raise ValueError("it has too many pixels") from error
    with image:
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError("it has too many pixels")
        yield image
