"""Ground truth: published releases -> typed tables -> the accuracy of each trained architecture.

`table` is the file format, `sources` fetches and converts public tables, `imports` reads official releases, and
`benchmark_truth` opens all tables of one benchmark. `own_file` reads a column of a user's own file, and `given` holds a
table in memory.
"""

from harness.truth.benchmark_truth import Truth as Truth
from harness.truth.benchmark_truth import check_has_truth as check_has_truth
from harness.truth.benchmark_truth import embedded_tables as embedded_tables
from harness.truth.benchmark_truth import repair_command as repair_command
from harness.truth.own_file import Declared as Declared
from harness.truth.own_file import TruthFile as TruthFile
from harness.truth.own_file import names_file as names_file
from harness.truth.own_file import read_truth_file as read_truth_file
from harness.truth.own_file import read_truth_word as read_truth_word
