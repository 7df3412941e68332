"""The command `python -m harness.tables table=NAME|all [scores=FOLDER] [store=FILE] [out=FOLDER]`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.errors import HarnessError, MissingDataError, OptionError
from harness.registry import unknown_name
from harness.tables.cells import table_cells
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec, table_names
from harness.tables.write import summary, write_table_files

DEFAULTS: Mapping[str, object] = {
    "table": None,
    "scores": "results/scores",
    "store": None,
    "out": "results/tables",
}


def main(words: Sequence[str] | None = None) -> int:
    """Regenerate tables; a user error ends in one sentence and exit code 2."""
    try:
        settings = _settings(sys.argv[1:] if words is None else words)
        if settings["table"] is None:
            raise OptionError(f"No table was given. Write table=NAME or table=all; known: {', '.join(table_names())}.")
        chosen = settings["table"] if isinstance(settings["table"], list) else [settings["table"]]
        names = [name for word in chosen for name in (table_names() if word == "all" else [str(word)])]
        specs = [read_spec(name) for name in dict.fromkeys(names)]
        store = None if settings["store"] is None else Path(str(settings["store"])).expanduser()
        sources = ScoreSources(Path(str(settings["scores"])).expanduser(), store)
        out = Path(str(settings["out"])).expanduser()
        for spec in specs:
            try:
                cells = list(table_cells(spec, sources))
            except MissingDataError as error:
                if len(specs) == 1:
                    raise
                print(f"{spec.name}: not regenerated. {error}")
                continue
            paths = write_table_files(out, spec, cells)
            print(f"{spec.name}: {summary(cells)}")
            print(f"  {paths[0]}")
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _settings(words: Sequence[str]) -> dict[str, object]:
    for word in words:
        key, equals, _ = word.partition("=")
        if not equals:
            raise OptionError(
                f"'{word}' is not a setting. Write table=NAME or table=all; known: {', '.join(DEFAULTS)}."
            )
        if key not in DEFAULTS:
            raise OptionError(unknown_name("setting", key, sorted(DEFAULTS)))
    try:
        given = OmegaConf.to_container(OmegaConf.from_dotlist(list(words)))
    except (OmegaConfBaseException, ValueError) as error:
        raise OptionError(f"The settings {' '.join(words)} cannot be read: {str(error).splitlines()[0]}.") from None
    assert isinstance(given, dict)
    return dict(DEFAULTS) | {str(key): value for key, value in given.items()}


if __name__ == "__main__":
    sys.exit(main())
