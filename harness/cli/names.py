"""Names as people type them: the one table of other names, and the sentence for a name that nothing has."""

import re
from collections.abc import Mapping, Sequence

from harness.cli.known import known_names
from harness.errors import UnknownNameError
from harness.registry import unknown_name

ALL = "all"

OTHER_NAMES: Mapping[str, Mapping[str, str]] = {
    "benchmark": {
        "nasbench201": "nats_tss",
        "nb201": "nats_tss",
        "natsbenchtss": "nats_tss",
        "natsbench": "nats_tss",
        "tss": "nats_tss",
        "natsbenchsss": "nats_sss",
        "sss": "nats_sss",
        "nb101": "nasbench101",
        "transnasbench101micro": "transnas_micro",
        "transnasbench101macro": "transnas_macro",
        "tnb101micro": "transnas_micro",
        "tnb101macro": "transnas_macro",
        "accelnasbench": "mnasnet",
    },
    "data set": {
        "imagenet16": "ImageNet16-120",
        "imagenet1k": "imagenet",
        "ilsvrc2012": "imagenet",
    },
}
"""By kind: what people write, in lower case and without separators, and the name that is meant."""

BY_PATH = ("proxy", "benchmark")
"""The kinds of which the path of a Python file is a name too; of a benchmark also models.py:NAME."""

_BY_SPELLING = ("benchmark", "data set")  # compared without case and separators; proxies without case alone


def meant(kind: str, word: str) -> str:
    """The registered name that a word means; the word itself where it is one, or means none."""
    known, _ = known_names(kind)
    if word in known or word == ALL:
        return word
    if kind not in _BY_SPELLING:
        return next((name for name in known if name.lower() == word.lower()), word)
    spelling = _plain(word)
    other = OTHER_NAMES.get(kind, {}).get(spelling)
    return other or next((name for name in known if _plain(name) == spelling), word)


def checked(kind: str, word: str, *, further: Sequence[str] = (ALL,)) -> str:
    """The registered name that a word means.

    Args:
        kind: of plug-in.
        word: as typed; for a proxy it may be the path of a Python file, for a data set that of the user's own data.
        further: words that are valid besides names.

    Raises:
        UnknownNameError: where nothing is called so.
    """
    name = meant(kind, word)
    known, complete = known_names(kind)
    if name in known or name in further or not complete or (kind in BY_PATH and is_path(name)):
        return name
    if kind == "data set" and is_own_data(name):
        return name
    raise UnknownNameError(unknown_name(kind, word, known))


def is_path(word: str) -> bool:
    """Whether a word for a proxy or a benchmark is a file, or a function of one, and no name."""
    return word.endswith(".py") or ".py:" in word or "/" in word


def is_own_data(word: str) -> bool:
    """Whether a word for a data set is a file, folder or loader of the user's own, and no name."""
    return word.endswith((".npz", ".py")) or ".py:" in word or "/" in word


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
