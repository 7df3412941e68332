"""MnasNet-like ImageNet networks, of which Accel-NASBench trained 5,125."""

from benchmarks.mnasnet.space import Mnasnet as Mnasnet
from benchmarks.mnasnet.truth import ACCEL as ACCEL
