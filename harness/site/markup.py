"""HTML whose texts are texts: whatever a record holds, it becomes no tag, attribute or address."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'self' file:; "
    "style-src 'self' file:; img-src 'self' file: data:; base-uri 'none'; form-action 'none'\">\n"
)
"""Of every page of the site: nothing is loaded from elsewhere and nothing is sent."""


@dataclass(frozen=True)
class Safe:
    """HTML that was made here."""

    text: str


Cell = Safe | str | int | float | None


def element(name: str, *inside: Cell, **attributes: str) -> Safe:
    """An element; texts within are escaped, attributes too. `class_` is class."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items())
    return Safe(f"<{name}{given}>{''.join(map(shown, inside))}</{name}>")


def shown(cell: Cell) -> str:
    """A cell as HTML: numbers with three digits after the point, nothing for None."""
    if isinstance(cell, Safe):
        return cell.text
    if cell is None:
        return ""
    return html.escape(f"{cell:.3f}" if isinstance(cell, float) else str(cell))


def joined(parts: Iterable[Safe]) -> Safe:
    """Elements one after the other."""
    return Safe("\n".join(part.text for part in parts))


def link(text: str, address: str) -> Safe:
    """A link to another page of the site."""
    return element("a", text, href=address)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "") -> Safe:
    """A table that a narrow screen shows as cards, each cell with its heading."""
    top = element("tr", joined(element("th", name, scope="col") for name in head))
    body = joined(
        element("tr", joined(element("td", cell, data_label=name) for name, cell in zip(head, row, strict=True)))
        for row in rows
    )
    above = element("caption", caption) if caption else Safe("")
    return element("table", above, element("thead", top), element("tbody", body), class_="cards")


def facts(told: Mapping[str, Cell]) -> Safe:
    """Terms with their values."""
    return element(
        "dl", joined(joined((element("dt", name), element("dd", value))) for name, value in told.items() if value != "")
    )


def navigation(home: str, *, explores: bool) -> str:
    """Links to the parts of the site; `explores`: whether runs are part of it."""
    links = {"index.html": "Leaderboard", "compare.html": "Compare two proxies"}
    links |= {"explore/index.html": "Explore runs"} if explores else {}
    inside = joined(link(text, f"{home}{file}") for file, text in links.items())
    return f'<nav aria-label="Site">{inside.text}</nav>\n'


def page(title: str, body: Safe, *, home: str = "../", explores: bool = False) -> bytes:
    """A whole page; `home` leads to the folder of the site, of which runs are a part if it `explores`."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'{POLICY}<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{html.escape(title)}</title>\n<link rel="icon" href="data:,">\n'
        f'<link rel="stylesheet" href="{home}page.css">\n<link rel="stylesheet" href="{home}site.css">\n</head>\n'
    )
    nav = f"<body>\n{navigation(home, explores=explores)}"
    return f"{head}{nav}<main>\n{body.text}\n</main>\n</body>\n</html>\n".encode()
