"""Sets of architectures: their official order, the notations that they are written in, and what a user's word means."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from harness.errors import OptionError, UnknownNameError
from harness.space.notation import INDEX, OFFICIAL, Architecture, Notation, hint, index_in


class ArchitectureSet(ABC):
    """Architectures by name, in an official order, with the ways to write them.

    A set that cannot be listed is not `enumerable`: it still knows its members and reads their names.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def architectures(self) -> Sequence[Architecture]:
        """All architectures in the benchmark's official index order.

        Raises:
            OptionError: if there are too many to list (`enumerable` is False).
        """

    @property
    def enumerable(self) -> bool:
        """Whether `architectures` can be listed and numbered."""
        return True

    @property
    def complete(self) -> bool:
        """Whether `architectures` are the whole space; False in a `SampledSpace`, where they are the trained ones."""
        return self.enumerable

    @property
    def start(self) -> Architecture:
        """The default start of a search, and an example of the notation."""
        return self.architectures[0]

    def index(self, arch: Architecture) -> int:
        """The index of an architecture in the official order.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return self._places[self.check(arch)]

    def number(self, arch: Architecture) -> int | None:
        """The index of an architecture, None if it has none: in a space that lists no architectures, or not this one.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return self.index(arch) if self.enumerable else None

    @cached_property
    def _places(self) -> dict[Architecture, int]:
        return {arch: place for place, arch in enumerate(self.architectures)}

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not.
        """
        if arch not in self:
            raise UnknownNameError(f"'{arch}' is not an architecture of {self.name}; an example is '{self.start}'.")
        return Architecture(arch)

    @abstractmethod
    def __contains__(self, arch: str) -> bool: ...

    @cached_property
    def notations(self) -> dict[str, Notation]:
        """The ways to write an architecture, by name: the official string, the official index, those of the space."""
        found = [Notation(OFFICIAL, "the official string", self.read_official, str)]
        if self.enumerable:
            words = "the place in the official order, from 0"
            found.append(Notation(INDEX, words, self._at_index, self._index_text))
        return {notation.name: notation for notation in (*found, *self.further_notations())}

    def further_notations(self) -> Sequence[Notation]:
        """The ways to write an architecture besides string and index; a space adds those that its field uses."""
        return ()

    def read_official(self, text: str) -> Architecture | None:
        """The architecture of an official string, blanks left aside; None if it is none."""
        for name in (text, text.strip(), "".join(text.split())):
            if name in self:
                return Architecture(name)
        return None

    def _at_index(self, text: str) -> Architecture | None:
        index = index_in(text)
        if index is None:
            return None
        n_archs = len(self.architectures)
        if index >= n_archs:
            raise UnknownNameError(f"{self.name} has no architecture {index}; its indices are 0 to {n_archs - 1}.")
        return self.architectures[index]

    def _index_text(self, arch: Architecture) -> str:
        return str(self.index(arch))

    def find(self, word: str) -> Architecture:
        """The architecture that a user means: in any of `notations`, or by the beginning of its official string.

        A word of digits that is both an index and a beginning is the index. A space that cannot be listed knows
        no beginnings.

        Raises:
            UnknownNameError: if there is none.
            OptionError: if several begin like this, it has two meanings, or the index is too large.
        """
        official = self.read_official(word)
        if official is not None:
            return official
        index = index_in(word) if self.enumerable else None
        if index is not None and index < len(self.architectures):
            return self.architectures[index]
        written = self._written(word)
        if written is not None:
            return written
        if not self.enumerable:
            return self.check(word)
        n_archs = len(self.architectures)
        found = self.beginning_with(word) if word else []
        if len(found) == 1:
            return found[0]
        if found:
            raise OptionError(
                f"'{word}' is the beginning of {len(found):,} architectures of {self.name}, such as '{found[0]}' and "
                f"'{found[1]}'. Give more of it, or an index from 0 to {n_archs - 1}."
            )
        if word.isdecimal():
            raise OptionError(
                f"{self.name} has no architecture {word}; its indices are 0 to {n_archs - 1}, and a string such as "
                f"'{self.architectures[0]}' is one too."
            )
        raise UnknownNameError(f"'{word}' is not an architecture of {self.name}{hint(self, word)}")

    def _written(self, word: str) -> Architecture | None:
        """The architecture that a word is in the further notations; None if it is in none of them."""
        meanings: dict[str, Architecture] = {}
        for name, notation in self.notations.items():
            if name in (OFFICIAL, INDEX):
                continue
            try:
                arch = notation.read(word)
            except UnknownNameError as reason:
                said = f"'{word}' is not an architecture of {self.name}: {str(reason).rstrip('.')}."
                raise UnknownNameError(said) from None
            if arch is not None:
                meanings[name] = arch
        if len(set(meanings.values())) > 1:
            (first, one), (other, two), *_ = meanings.items()
            raise OptionError(
                f"'{word}' has two meanings in {self.name}: {one} as {first}, and {two} as {other}. Give the official "
                "string, which `nas-harness convert` writes with --from."
            )
        return next(iter(meanings.values()), None)

    def beginning_with(self, prefix: str) -> Sequence[Architecture]:
        """The architectures whose official strings begin with `prefix`, in official order."""
        return [arch for arch in self.architectures if arch.startswith(prefix)]

    def label(self, arch: Architecture) -> str:
        """A short name for plots and file names: the index, or of the string of a space without numbers the hash.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        number = self.number(arch)
        if number is not None:
            return str(number)
        return hashlib.sha256(self.check(arch).encode()).hexdigest()[:8]
