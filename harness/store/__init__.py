"""Storage of scores: the score store of runs, and compact score tables for keeping with results."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.store.command import main as main
    from harness.store.database import ScoreStore as ScoreStore
    from harness.store.merging import merge as merge
    from harness.store.opening import VERSION as VERSION
    from harness.store.rows import FAILED as FAILED
    from harness.store.rows import OK as OK
    from harness.store.rows import UNDEFINED as UNDEFINED
    from harness.store.rows import Score as Score
    from harness.store.rows import ScoreKey as ScoreKey
    from harness.store.rows import StoredRows as StoredRows
    from harness.store.salvage import Salvaged as Salvaged
    from harness.store.score_table import Header as Header
    from harness.store.score_table import ScoreTable as ScoreTable
    from harness.store.table_files import read_header as read_header
    from harness.store.table_files import read_table as read_table
    from harness.store.table_files import table_paths as table_paths
    from harness.store.table_files import write_table as write_table

__getattr__ = lazily(
    __name__,
    {
        "main": "harness.store.command",
        "ScoreStore": "harness.store.database",
        "merge": "harness.store.merging",
        "VERSION": "harness.store.opening",
        "FAILED": "harness.store.rows",
        "OK": "harness.store.rows",
        "UNDEFINED": "harness.store.rows",
        "Score": "harness.store.rows",
        "ScoreKey": "harness.store.rows",
        "StoredRows": "harness.store.rows",
        "Salvaged": "harness.store.salvage",
        "Header": "harness.store.score_table",
        "ScoreTable": "harness.store.score_table",
        "read_header": "harness.store.table_files",
        "read_table": "harness.store.table_files",
        "table_paths": "harness.store.table_files",
        "write_table": "harness.store.table_files",
    },
)
