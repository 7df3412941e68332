"""Where scores lie: the score store of runs, and compact score tables to keep beside results."""

from harness.store.command import main
from harness.store.database import ScoreStore, merge
from harness.store.opening import VERSION
from harness.store.rows import FAILED, OK, UNDEFINED, Score, ScoreKey, StoredRows
from harness.store.salvage import Salvaged, salvage
from harness.store.score_table import Header, ScoreTable, read_header, read_table, table_paths, write_table

__all__ = [
    "FAILED",
    "OK",
    "UNDEFINED",
    "VERSION",
    "Header",
    "Salvaged",
    "Score",
    "ScoreKey",
    "ScoreStore",
    "ScoreTable",
    "StoredRows",
    "main",
    "merge",
    "read_header",
    "read_table",
    "salvage",
    "table_paths",
    "write_table",
]
