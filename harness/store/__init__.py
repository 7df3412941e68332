"""Where scores lie: the score store of runs, and compact score tables to keep beside results."""

from harness.store.command import main
from harness.store.database import FAILED, OK, UNDEFINED, VERSION, Score, ScoreKey, ScoreStore, StoredRows, merge
from harness.store.score_table import Header, ScoreTable, read_header, read_table, table_paths, write_table

__all__ = [
    "FAILED",
    "OK",
    "UNDEFINED",
    "VERSION",
    "Header",
    "Score",
    "ScoreKey",
    "ScoreStore",
    "ScoreTable",
    "StoredRows",
    "main",
    "merge",
    "read_header",
    "read_table",
    "table_paths",
    "write_table",
]
