"""Published comparisons regenerated from score tables: `python -m harness.tables table=NAME|all`."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.tables.cell import Cell as Cell
    from harness.tables.cells import table_cells as table_cells
    from harness.tables.spec import TableSpec as TableSpec
    from harness.tables.spec import read_spec as read_spec
    from harness.tables.spec import table_names as table_names

__getattr__ = lazily(
    __name__,
    {
        "Cell": "harness.tables.cell",
        "table_cells": "harness.tables.cells",
        "TableSpec": "harness.tables.spec",
        "read_spec": "harness.tables.spec",
        "table_names": "harness.tables.spec",
    },
)
