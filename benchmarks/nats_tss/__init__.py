"""NATS-Bench topology search space (NAS-Bench-201)."""

from benchmarks.nats_tss.hardware import HARDWARE as HARDWARE
from benchmarks.nats_tss.nb360 import NB360 as NB360
from benchmarks.nats_tss.space import NatsTss as NatsTss
from benchmarks.nats_tss.truth import FREEREA as FREEREA
from benchmarks.nats_tss.truth import NASGRAPH as NASGRAPH
from benchmarks.nats_tss.truth import OFFICIAL as OFFICIAL
