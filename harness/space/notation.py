"""Notations: the ways in which people write the architectures of a space, and the one in which a file writes them."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from harness.errors import HarnessError, OptionError, UnknownNameError
from harness.registry import unknown_name

Architecture = NewType("Architecture", str)
"""A point of a search space, named by its official string."""

OFFICIAL, INDEX = "arch", "index"
_INDEX = re.compile(r"(\d{1,18})(?:\.0+)?", re.ASCII)
_MOST_ALIKE = 300  # names that are compared letter by letter with one that is not known
_LONGEST = 100
_SHORTEST = 5  # letters of a text that may be like a name of another beginning


@dataclass(frozen=True)
class Notation:
    """One way to write the architectures of a space.

    Attributes:
        name: a word, as `nas-harness convert --to` takes it.
        words: what it is, in one line.
        read: a text -> the architecture; None if the text is not written like this. Raises UnknownNameError, with the
            reason alone, if it is, but names none.
        write: an architecture -> its text.
    """

    name: str
    words: str
    read: Callable[[str], Architecture | None]
    write: Callable[[Architecture], str]


class Named(Protocol):
    """What is needed of a search space to look for an architecture."""

    @property
    def name(self) -> str: ...
    @property
    def enumerable(self) -> bool: ...
    @property
    def start(self) -> Architecture: ...
    @property
    def notations(self) -> dict[str, Notation]: ...
    def beginning_with(self, prefix: str) -> Sequence[Architecture]: ...


def index_in(text: str) -> int | None:
    """The whole number that a text is, also as data frames write one (`15.0`); None if it is none."""
    found = _INDEX.fullmatch(text.strip())
    return int(found[1]) if found else None


def notation_called(space: Named, name: str) -> Notation:
    """One of a space's notations.

    Raises:
        UnknownNameError: if the space has none of this name.
    """
    if name not in space.notations:
        raise UnknownNameError(unknown_name(f"notation of {space.name}", name, list(space.notations)))
    return space.notations[name]


def read_all(
    space: Named, texts: Sequence[str], place: Callable[[int], str], notation: str | None = None
) -> tuple[Notation, list[Architecture]]:
    """The architectures that texts name, all in one notation, and which one that is.

    Args:
        space: whose architectures they are.
        texts: at least one.
        place: where a text is, by its position, for messages: "line 3".
        notation: the notation's name; None: the one in which all texts can be read.

    Raises:
        UnknownNameError: for a text that names none, with the nearest name; for an unknown notation.
        OptionError: if the texts are written in several notations, or can be read in two with different results.
    """
    allowed = list(space.notations.values()) if notation is None else [notation_called(space, notation)]
    found: dict[str, list[Architecture]] = {}
    furthest, reason, best = -1, "", allowed[0]
    for candidate in allowed:
        archs: list[Architecture] = []
        why = ""
        for text in texts:
            try:
                arch = candidate.read(text)
            except HarnessError as error:
                arch, why = None, str(error)
            if arch is None:
                break
            archs.append(arch)
        if len(archs) == len(texts):
            found[candidate.name] = archs
            if candidate.name == OFFICIAL:
                break  # a name of the space is that architecture's, whatever else it could mean
        elif len(archs) > furthest or (len(archs) == furthest and why and not reason):
            furthest, reason, best = len(archs), why, candidate
    if not found:
        raise _unread(space, texts, place, (best, furthest, reason))
    first, *others = found
    for other in others:
        differ = [one != two for one, two in zip(found[first], found[other], strict=True)]
        if any(differ):
            at = differ.index(True)
            raise OptionError(
                f"'{shown(texts[at])}' ({place(at)}) has two meanings: {found[first][at]} as {first}, and "
                f"{found[other][at]} as {other}. Say which notation it is: scores_notation=NOTATION, or convert "
                "--from NOTATION."
            )
    return space.notations[first], found[first]


def _unread(
    space: Named, texts: Sequence[str], place: Callable[[int], str], furthest: tuple[Notation, int, str]
) -> HarnessError:
    """The sentence for texts that no single notation reads; the furthest one ended at a text, for a reason."""
    notation, at, reason = furthest
    text = texts[at]
    if at:
        for other in space.notations.values():
            if other is not notation and _reads(other, text):
                return OptionError(
                    f"Architectures are written in two notations: '{shown(texts[0])}' ({place(0)}) is {notation.name} "
                    f"and '{shown(text)}' ({place(at)}) is {other.name}. Write all of them in one."
                )
    said = f"'{shown(text)}' ({place(at)}) is not an architecture of {space.name}"
    return UnknownNameError(f"{said}: {reason.rstrip('.')}." if reason else f"{said}{hint(space, text)}")


def _reads(notation: Notation, text: str) -> bool:
    try:
        return notation.read(text) is not None
    except HarnessError:
        return False


def hint(space: Named, text: str) -> str:
    """How a sentence about an unknown architecture ends: the nearest name, or an example."""
    near = nearest(space, text)
    if near is not None:
        return f". Did you mean '{near}'?"
    return f"; an example is '{space.start}'."


def nearest(space: Named, text: str) -> Architecture | None:
    """The architecture whose official string is most like a text; None if none is.

    It is looked for among the names that begin and end like the text for as long as any does.
    """
    text = "".join(text.split())[:_LONGEST]
    if not space.enumerable or not text:
        return None
    length = _longest(len(text), lambda n: len(space.beginning_with(text[:n])) > 0)
    if length == 0 and len(text) < _SHORTEST:
        return None
    alike = list(space.beginning_with(text[:length]))
    if len(alike) > _MOST_ALIKE:
        length = _longest(len(text), lambda n: any(arch.endswith(text[-n:]) for arch in alike))
        alike = [arch for arch in alike if arch.endswith(text[-length:])] if length else alike
    closest = difflib.get_close_matches(text, alike[:_MOST_ALIKE], n=1, cutoff=0.75)
    return Architecture(closest[0]) if closest else None


def _longest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which something holds that holds for all smaller ones; 0 for none."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def shown(text: str) -> str:
    """A foreign text in ASCII, its end left out where it is long."""
    plain = text.encode("ascii", "backslashreplace").decode()
    plain = "".join(letter if letter.isprintable() else "?" for letter in plain)
    return plain if len(plain) <= _LONGEST else f"{plain[:80]}..."
