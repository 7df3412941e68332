"""NAS-Bench-101: cells of at most seven vertices and nine edges."""

from benchmarks.nasbench101.official import OFFICIAL as OFFICIAL
from benchmarks.nasbench101.space import NasBench101 as NasBench101
from benchmarks.nasbench101.truth import FREEREA as FREEREA
