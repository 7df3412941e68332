"""The bias lens: correlation of proxies with architecture statistics and with one another, transfer, stability."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.lens.bias import bias_table as bias_table
    from harness.lens.bias import clustered as clustered
    from harness.lens.bias import similarity as similarity
    from harness.lens.bias import transfer_table as transfer_table
    from harness.lens.stability import STUDIES as STUDIES
    from harness.lens.stability import stability_table as stability_table
    from harness.lens.stability import variants as variants

__getattr__ = lazily(
    __name__,
    {
        "bias_table": "harness.lens.bias",
        "clustered": "harness.lens.bias",
        "similarity": "harness.lens.bias",
        "transfer_table": "harness.lens.bias",
        "STUDIES": "harness.lens.stability",
        "stability_table": "harness.lens.stability",
        "variants": "harness.lens.stability",
    },
)
