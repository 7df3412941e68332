"""What a store holds."""

import sqlite3
from pathlib import Path


def stored(path: Path) -> dict[tuple[str, str, int], str]:
    """Components by (proxy, architecture, seed)."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT proxy, arch, seed, components FROM scores JOIN keys ON keys.id = scores.key"
        ).fetchall()
    found = {(proxy, arch, seed): components for proxy, arch, seed, components in rows}
    assert len(found) == len(rows), "a score is stored twice"
    return found
