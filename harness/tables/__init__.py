"""Published comparisons regenerated from score tables: `python -m harness.tables table=NAME|all`."""

from harness.tables.cells import Cell, table_cells
from harness.tables.spec import TableSpec, read_spec, table_names

__all__ = ["Cell", "TableSpec", "read_spec", "table_cells", "table_names"]
