"""Ground truth: published releases -> typed tables -> the accuracy of each trained architecture.

`table` is the file format, `sources` fetches and converts public tables, `imports` reads official releases, and
`benchmark_truth` opens all tables of one benchmark.
"""

from harness.truth.benchmark_truth import Truth as Truth
from harness.truth.benchmark_truth import check_has_truth as check_has_truth
from harness.truth.benchmark_truth import embedded_tables as embedded_tables
from harness.truth.benchmark_truth import repair_command as repair_command
