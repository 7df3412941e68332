"""NATS-Bench size search space."""

from benchmarks.nats_sss.space import NatsSss as NatsSss
from benchmarks.nats_sss.truth import LIGHTON as LIGHTON
from benchmarks.nats_sss.truth import OFFICIAL as OFFICIAL
