"""NATS-Bench size search space."""

from benchmarks.nats_sss.space import NatsSss as NatsSss
