"""NAS-Bench-MR: multi-resolution networks with four tasks' truth under eight settings."""

from benchmarks.nasbench_mr.space import NasbenchMr as NasbenchMr
from benchmarks.nasbench_mr.truth import NCP as NCP
