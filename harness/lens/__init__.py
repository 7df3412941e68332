"""The bias lens: correlation of proxies with architecture statistics and with one another, transfer, stability."""

from harness.lens.bias import bias_table, clustered, similarity, transfer_table
from harness.lens.stability import STUDIES, stability_table, variants

__all__ = ["STUDIES", "bias_table", "clustered", "similarity", "stability_table", "transfer_table", "variants"]
