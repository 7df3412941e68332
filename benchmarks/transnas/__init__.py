"""TransNAS-Bench-101: a cell-based (micro) and a skeleton (macro) search space, each trained on seven tasks."""

from benchmarks.transnas.macro import TransnasMacro as TransnasMacro
from benchmarks.transnas.micro import TransnasMicro as TransnasMicro
from benchmarks.transnas.official_file import OFFICIAL as OFFICIAL
from benchmarks.transnas.truth import NASGRAPH as NASGRAPH
