"""Where scores lie: the score store of runs, and compact score tables to keep beside results."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.store.command import main as main
    from harness.store.database import FAILED as FAILED
    from harness.store.database import OK as OK
    from harness.store.database import UNDEFINED as UNDEFINED
    from harness.store.database import VERSION as VERSION
    from harness.store.database import Score as Score
    from harness.store.database import ScoreKey as ScoreKey
    from harness.store.database import ScoreStore as ScoreStore
    from harness.store.database import StoredRows as StoredRows
    from harness.store.database import merge as merge
    from harness.store.score_table import Header as Header
    from harness.store.score_table import ScoreTable as ScoreTable
    from harness.store.score_table import read_header as read_header
    from harness.store.score_table import read_table as read_table
    from harness.store.score_table import table_paths as table_paths
    from harness.store.score_table import write_table as write_table

__getattr__ = lazily(
    __name__,
    {
        "main": "harness.store.command",
        "FAILED": "harness.store.database",
        "OK": "harness.store.database",
        "UNDEFINED": "harness.store.database",
        "VERSION": "harness.store.database",
        "Score": "harness.store.database",
        "ScoreKey": "harness.store.database",
        "ScoreStore": "harness.store.database",
        "StoredRows": "harness.store.database",
        "merge": "harness.store.database",
        "Header": "harness.store.score_table",
        "ScoreTable": "harness.store.score_table",
        "read_header": "harness.store.score_table",
        "read_table": "harness.store.score_table",
        "table_paths": "harness.store.score_table",
        "write_table": "harness.store.score_table",
    },
)
