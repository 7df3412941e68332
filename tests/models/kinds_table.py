"""The table of docs/explanation/network_kinds.md: which evidence each kind of network has, and how much it sees.

Written by `python tests/models/kinds_table.py`; a test compares the page with it.
"""

import sys
from pathlib import Path

from harness.check.evidence_kinds import PROBES, KindFound, kinds_of
from harness.evidence import Subject
from harness.scoring.arithmetic import single_thread
from harness.space import Architecture
from harness.store import OK, UNDEFINED

sys.path.insert(0, str(Path(__file__).parent))
from network_kinds import IMAGE_NETWORKS, Tokens
from spaces import Kinds, context_of, tokens_context

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "network_kinds.md"
START, END = "<!-- table -->\n", "<!-- end of table -->\n"


def found() -> dict[str, list[KindFound]]:
    """Every kind of evidence of every kind of network."""
    context = context_of(Kinds())
    with single_thread():
        kinds = {name: kinds_of(Subject(context, Architecture(name), "live")) for name in IMAGE_NETWORKS}
        kinds["tokens"] = kinds_of(Subject(tokens_context(Tokens), Architecture("tokens"), "live"))
    return kinds


def table(kinds: dict[str, list[KindFound]]) -> str:
    """The table as Markdown: a share where one is stated, yes for defined, - for undefined."""
    names = list(kinds)
    lines = [f"| evidence | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for kind in PROBES:
        cells = [_cell(next(one for one in kinds[name] if one.kind == kind)) for name in names]
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(one: KindFound) -> str:
    if one.status == UNDEFINED:
        return "-"
    if one.status != OK:
        return f"failed: {one.reason}"
    shares = [] if one.coverage is None else [one.coverage.weights, one.coverage.activations]
    stated = [f"{share:.0%}" for share in shares if share is not None]
    return ", ".join(stated) or "yes"


def page_with(text: str, new: str) -> str:
    """The page with another table."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{new}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), table(found())), encoding="utf-8")
