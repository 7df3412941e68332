"""Text of foreign origin in Markdown and CSV: names, reasons and paths that are shown and never carried out.

Names of proxies come from score files, reasons from plug-ins and stores. In Markdown, which is HTML as well, they are
no tags, links or emphasis; in a spreadsheet no formula.
"""

import re
from collections.abc import Sequence

import pandas as pd

from harness.columns import to_cell

_BESIDE = "\x01"
_CODE = re.compile(r"(`[^`]*`)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # elsewhere it is a sign of comparison
_ENTITY = re.compile(r"&(?=#|[A-Za-z]+;)")
_LINK = re.compile(r"\](?=[(\[:])")
_STRONG = re.compile(r"\*(?=\S)|(?<=\S)\*")
_EMPHASIS = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_ADDRESS = re.compile(r"(?<![0-9A-Za-z])(https?:|ftp:|www\.|mailto:)", re.IGNORECASE)


def prose(text: str) -> str:
    """One line of Markdown that shows the text; pairs of backticks remain code, everything else is literal.

    Addresses outside code are shown and not linked.
    """
    line = re.sub("`{2,}", "`", " ".join(text.split()))
    parts = _CODE.split(line)  # text and code in turn; beside code stands a mark that is neither letter nor space
    for at in range(0, len(parts), 2):
        before, after = _BESIDE * (at > 0), _BESIDE * (at < len(parts) - 1)
        parts[at] = _literal(before + parts[at] + after).strip(_BESIDE)
    return "".join(parts)


def table_line(cells: Sequence[str]) -> str:
    """One line of a Markdown table, its cells as of `prose`."""
    return markdown_line([table_cell(cell) for cell in cells])


def table_cell(text: str) -> str:
    """The text as of `prose` in a cell of a Markdown table."""
    return _bars(prose(text))


def markdown_line(cells: Sequence[str]) -> str:
    """One line of a Markdown table, its cells Markdown already, without text of foreign origin."""
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """The text as code within a line, whatever it holds; a backtick becomes an apostrophe."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def code_block(text: str) -> list[str]:
    """Lines of Markdown that show a text as a block of code."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, text, fence]


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet does not compute: an apostrophe stands before what would be a formula.

    `harness.columns.from_cell` takes it away again.
    """
    safe = table.rename(columns={name: to_cell(name) for name in table.columns if isinstance(name, str)})
    for at, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            values = [to_cell(value) if isinstance(value, str) else value for value in table.iloc[:, at]]
            safe = safe.assign(**{str(safe.columns[at]): pd.Series(values, index=table.index, dtype=object)})
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _literal(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("`", "\\`")
    text = _TAG.sub("&lt;", _ENTITY.sub("&amp;", text))
    text = _ADDRESS.sub(lambda found: f"{found[1][:-1]}&#{ord(found[1][-1])};", text)
    for pattern, sign in ((_LINK, "]"), (_STRONG, "*"), (_EMPHASIS, "_")):
        text = pattern.sub(f"\\\\{sign}", text)
    return text


def _bars(text: str) -> str:
    """Bars that end no cell; a backslash before one, as code may have, is parted from it, or it would escape itself."""
    return re.sub(r"\\*\|", lambda found: f"{found.group()[:-1]}{' ' * (len(found.group()) > 1)}\\|", text)
