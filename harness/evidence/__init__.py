"""Evidence: what one kind of pass over a network yields, computed once and shared by all proxies that ask."""

from harness.evidence.base import EVIDENCE as EVIDENCE
from harness.evidence.base import Evidence as Evidence
from harness.evidence.base import Subject as Subject
from harness.evidence.layers import Layers as Layers
from harness.evidence.synflow import SynflowSaliency as SynflowSaliency
from harness.evidence.task import FirstBatchGradients as FirstBatchGradients
from harness.evidence.task import ReluCodes as ReluCodes
from harness.evidence.task import WeightGradients as WeightGradients
