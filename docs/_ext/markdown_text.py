"""Pieces of Markdown that the pages of the reference are made of."""

import inspect
import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A pipe table; a line break in a cell becomes a space."""
    lines = [row_of(head), row_of(["---"] * len(head)), *(row_of(row) for row in rows)]
    return "\n".join(lines) + "\n"


def row_of(cells: Sequence[object]) -> str:
    """One line of a pipe table."""
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def prose(described: object) -> str:
    """An object's own docstring as a Markdown paragraph or several, with the signs that Markdown would read escaped."""
    own = getattr(described, "__doc__", None) or ""
    text = re.sub(r"``?([^`]+)``?", r"`\1`", inspect.cleandoc(own))
    outside = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<\[\]$|])", r"\\\1", part) for part in outside)


def first_sentence(described: object) -> str:
    """The first line of the docstring."""
    return prose(described).split("\n")[0]


def fence(text: str) -> str:
    """Text as it stands."""
    return f"```text\n{text.rstrip()}\n```\n"


def link(text: str, paper: str) -> str:
    """A paper as a link where it is an arXiv number, otherwise as text."""
    number = re.search(r"arXiv:(\d{4}\.\d{4,5})", paper)
    return f"[{text}](https://arxiv.org/abs/{number.group(1)})" if number else text
