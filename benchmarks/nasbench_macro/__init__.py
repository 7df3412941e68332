"""NAS-Bench-Macro: 6,561 chains of inverted bottlenecks and identities, trained on CIFAR-10."""

from benchmarks.nasbench_macro.space import NasbenchMacro as NasbenchMacro
from benchmarks.nasbench_macro.truth import MACRO as MACRO
