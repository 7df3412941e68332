"""The folder that a run writes its results into."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from harness.errors import OptionError

RUNS = Path("results/runs")
RECORD = "run.json"
CONFIG = "config"
_MAY_DIFFER = (  # where and how, not what
    *("out", "store", "workers", "engine", "budget_s", "device", "resume", "retry"), *("figures", "style", "column")
)  # fmt: skip

_DEFAULTS: Mapping[str, Sequence[object]] = {"population": ("all", None)}


@contextmanager
def out_folder(asked: Path | None, stem: str, evaluation: Mapping[str, object] | None = None) -> Iterator[Path]:
    """The requested folder, or else a new one in `results/runs` that begins with `stem` and ends with the time.

    To be entered before anything is computed, so that a folder that cannot be written is known then. A new one that is
    left without a file goes again, with the folders above that were made for it.

    Args:
        asked: the folder; None: a new one.
        stem: what a new one begins with.
        evaluation: what run.json will say was asked, as the entries `config` and perhaps `search`; a folder whose
            run.json says otherwise is refused. None: the results are no evaluation.

    Raises:
        OptionError: if it cannot be written, or holds another evaluation.
    """
    out = (asked or _new(stem)).expanduser()
    _refuse_another(out, evaluation)
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OptionError(f"out={out} cannot be written: {error.strerror}. Give another folder.") from None
    try:
        yield out
    finally:
        for folder in made:
            if not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def _refuse_another(out: Path, evaluation: Mapping[str, object] | None) -> None:
    try:
        found = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not isinstance(found, Mapping):
        return
    differing = _differing(found, evaluation) if evaluation is not None else "an evaluation"
    if differing:
        raise OptionError(
            f"out={out} holds the results of another run ({differing}). Give another folder, or delete this one."
        )


def _differing(found: Mapping[str, object], evaluation: Mapping[str, object]) -> str:
    """What a folder's record was asked otherwise, as text; empty where it is the same evaluation."""
    if ("search" in found) != ("search" in evaluation):
        return "a search" if "search" in found else "no search"
    for group in (CONFIG, "search"):
        before, now = found.get(group, {}), evaluation.get(group, {})
        if not isinstance(before, Mapping) or not isinstance(now, Mapping):
            continue
        # A record of an earlier version may lack an entry, or state a default that is null now.
        for name in before.keys() & now.keys() - set(_MAY_DIFFER):
            is_default = all(values[name] in _DEFAULTS.get(name, ()) for values in (before, now))
            if before[name] != now[name] and not is_default:
                return f"{name}: {json.dumps(before[name])} there, {json.dumps(now[name])} here"
    return ""


def _new(stem: str) -> Path:
    base = RUNS / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', stem)}-{datetime.now():%Y%m%d-%H%M%S}"
    out, copy = base, 1
    while out.exists():
        copy += 1
        out = base.with_name(f"{base.name}-{copy}")
    return out
