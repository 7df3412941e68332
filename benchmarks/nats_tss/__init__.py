"""NATS-Bench topology search space (NAS-Bench-201)."""

from benchmarks.nats_tss.space import NatsTss as NatsTss
