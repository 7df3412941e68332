"""Words of the command line as people type them -> words that Hydra reads; reports what is misspelt."""

import difflib
import re
from collections.abc import Iterator, Sequence

from harness.cli.commands import Command
from harness.cli.known import KINDS
from harness.cli.names import ALL, checked, meant
from harness.cli.settings_text import choices, settings_file
from harness.errors import OptionError, UnknownNameError
from harness.registry import unknown_name

# Flags of Hydra, with whether a value follows.
FLAGS = {
    "-m": False, "--multirun": False, "-r": False, "--run": False, "--resolve": False, "--hydra-help": False,
    "-c": True, "--cfg": True, "-p": True, "--package": True, "-sc": True, "--shell-completion": True,
    "-i": False, "--info": False,
}  # fmt: skip
SHOWING = ("-c", "--cfg", "-i", "--info", "-sc", "--shell-completion", "--hydra-help")  # nothing is run with these
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_CFG = ("job", "hydra", "all")
_KIND_OF = {"proxy": "proxy", "bench": "benchmark", "dataset": "data set", "ensemble": "ensemble", "search": "searcher"}
_LISTS = (*_KIND_OF, "inputs", "minimise", "table", "scores", "scores_columns")  # settings that take a list
_OTHER_SPELLINGS = {"scores.columns": "scores_columns", "scores.notation": "scores_notation"}  # scores= is a value
_GROUPS = ("protocol", "engine", "recipe", "preset")  # folders of conf/ with one file for each choice
_FURTHER = {"ensemble": (ALL, "alone", "null"), "proxy": (ALL, "null")}
_WITH_QUOTES = ("arch", "start")  # values with brackets, bars and tildes, which mean more to Hydra


def split_flags(command: Command, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with their values, and the other words.

    Raises:
        OptionError: for a flag that there is not, or a value that it cannot have.
    """
    flags: list[str] = []
    rest: list[str] = []
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
            continue
        if name not in FLAGS:
            raise OptionError(_unknown_flag(command, name, value or (remaining[0] if remaining else "")))
        flags.append(word)
        if FLAGS[name] and not equals:
            if not remaining:
                raise OptionError(f"{name} needs a value: {'--cfg job' if 'c' in name else name + ' VALUE'}.")
            value = remaining.pop(0)
            flags.append(value)
        if name in ("-i", "--info") and not equals and remaining and remaining[0] in _INFO:
            flags.append(remaining.pop(0))
        if name in ("-c", "--cfg") and value not in _CFG:
            raise OptionError(f"{name} {value} is invalid: it must be one of {', '.join(_CFG)}, as in --cfg job.")
    return flags, rest


def _unknown_flag(command: Command, flag: str, value: str) -> str:
    key = flag.lstrip("-").replace("-", "_")
    assert command.config is not None
    if key in settings_file(command.config).keys:
        shown = value if value and not value.startswith("-") else "VALUE"
        return f"{flag} is not an option: settings are written without dashes, as {key}={shown}."
    nearest = difflib.get_close_matches(flag, [*FLAGS, "--help", "--version"], n=1, cutoff=0.6)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return f"{flag} is not an option.{hint} Settings are written KEY=VALUE; see `{command.typed} --help`."


def as_hydra_reads(command: Command, words: Sequence[str], *, sweeps: bool) -> list[str]:
    """Words with the names that are meant, commas as lists, architectures in quotes.

    Args:
        command: whose settings they are.
        words: without flags.
        sweeps: whether commas separate runs (`--multirun`).

    Raises:
        OptionError: for a word that is not a setting.
        UnknownNameError: for a setting, proxy, benchmark, data set, ensemble or searcher that there is not.
    """
    return [_read(command, word, sweeps) for word in words]


def _read(command: Command, word: str, sweeps: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals and not word.startswith("~"):
        raise OptionError(_no_setting(command, word))
    if key.startswith("~"):
        raise OptionError(
            f"{word} is invalid: a setting cannot be removed. To leave it at its default, do not give it."
        )
    bare = key.lstrip("+")
    if bare in _OTHER_SPELLINGS:
        bare = key = _OTHER_SPELLINGS[bare]
        word = f"{key}={value}"
    _check_key(command, bare, word)
    if bare.startswith("hydra") and not value.strip():
        raise OptionError(f"{word} is invalid: it must have a value, as {bare}=VALUE.")
    if bare.partition(".")[0] in command.adds and bare.partition(".")[0] == "budget":
        return f"++{bare}={value}"  # any count may be a budget
    if bare in _WITH_QUOTES and value != "null" and not value.startswith(('"', "'")):
        return f'{key}="{value}"'
    if bare in _GROUPS:
        for name in value.split(",") if sweeps else [value]:
            if name not in choices(bare):
                raise UnknownNameError(unknown_name(bare, name, choices(bare)))
    if bare in _LISTS and not re.search(r"[\"'(){}$]", value):
        return f"{key}={_named(command, bare, value, sweeps)}"
    return word


def _named(command: Command, key: str, value: str, sweeps: bool) -> str:
    """A value of names as Hydra reads it; `a,b` becomes a list unless it is a sweep."""
    in_brackets = value.startswith("[") and value.endswith("]") and value.count("[") == 1
    if "[" in value and not in_brackets:
        return value  # a sweep over lists, or a bracket that is not closed: Hydra says which
    names = [name.strip() for name in value.strip("[]").split(",")]
    if names == [""]:
        return value
    kind = _KIND_OF.get(key)
    if kind is not None:
        names = [checked(kind, name, further=_FURTHER.get(key, (ALL,))) for name in names]
    if key == "table":
        for name in names:
            if name not in (*choices("tables"), ALL, "null"):
                raise UnknownNameError(unknown_name("table", name, choices("tables")))
    if in_brackets or (len(names) > 1 and not sweeps):
        return f"[{','.join(names)}]"
    return ",".join(names)


def _require_default(command: Command, key: str, word: str) -> None:
    """Refuse a setting of evaluations that a command would leave aside.

    Raises:
        OptionError: for another value than the one that it has anyway.
    """
    assert command.config is not None
    default = next(one.default for one in settings_file(command.config).settings if one.key == key)
    if word.partition("=")[2] != default:
        raise OptionError(
            f"{word} is for python -m harness; {command.name} needs whole evaluations, and draws for its own report."
        )


def _check_key(command: Command, key: str, word: str) -> None:
    assert command.config is not None
    file = settings_file(command.config)
    group = key.partition(".")[0].partition("/")[0]
    if key in command.without:
        _require_default(command, key, word)
    if key in file.keys or group == "hydra" or key in _added_groups(command):
        return
    keys = [known for known in file.keys if known not in command.without]
    if group in command.adds:
        if group == "options" and not word.startswith("+"):
            raise OptionError(f"{word} needs a plus sign: +{word}.")
        return
    leaf = key.rpartition(".")[2]
    elsewhere = [known for known in keys if known.rpartition(".")[2] == leaf]
    under = [known for known in keys if "." in key and known.startswith(f"{group}.")]
    # One of the group that was named is meant rather than one of that name elsewhere.
    near = difflib.get_close_matches(leaf, [known.rpartition(".")[2] for known in under], n=1, cutoff=0.8)
    if near:
        elsewhere = [known for known in under if known.endswith(f".{near[0]}")]
    if elsewhere:
        raise UnknownNameError(f"No setting is called '{key}'. Did you mean '{elsewhere[0]}'?")
    if under:
        raise UnknownNameError(unknown_name("setting", key, under))
    tops = sorted({known.partition(".")[0] for known in keys})
    close = difflib.get_close_matches(leaf, [k.rpartition(".")[2] for k in keys if "." in k], n=1, cutoff=0.8)
    if close and not difflib.get_close_matches(key, tops, n=1, cutoff=0.8):
        full = next(known for known in keys if known.endswith(f".{close[0]}"))
        raise UnknownNameError(f"No setting is called '{key}'. Did you mean '{full}'?")
    raise UnknownNameError(unknown_name("setting", key, tops))


def _added_groups(command: Command) -> Iterator[str]:
    """`+preset=NAME`, where a preset is for this command."""
    if command.config == "search":
        yield "preset"


def _no_setting(command: Command, word: str) -> str:
    if word in ("help", "version"):
        return f"'{word}' is not a setting. Write {command.typed} --{word}."
    for key, kind in _KIND_OF.items():
        if key in settings_file(str(command.config)).keys and _is_name(kind, word):
            return f"'{word}' cannot be read as a setting: write {key}={word}."
    return f"'{word}' cannot be read as a setting: write KEY=VALUE, as in {command.examples[0].split()[0]}."


def _is_name(kind: str, word: str) -> bool:
    assert kind in KINDS
    try:
        checked(kind, meant(kind, word), further=())
    except UnknownNameError:
        return False
    return True
