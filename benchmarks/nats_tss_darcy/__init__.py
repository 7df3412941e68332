"""Cells of NATS-Bench topology in a network without reductions: Darcy Flow of NAS-Bench-360."""

from benchmarks.nats_tss_darcy.space import NatsTssDarcy as NatsTssDarcy
from benchmarks.nats_tss_darcy.truth import DARCY_FLOW as DARCY_FLOW
