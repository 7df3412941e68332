"""Evidence: what one kind of pass over a network yields, computed once and shared by all proxies that ask."""

from harness.evidence.activations import ChannelSensitivities as ChannelSensitivities
from harness.evidence.activations import NamedReluCodes as NamedReluCodes
from harness.evidence.activations import OutputSizes as OutputSizes
from harness.evidence.activations import ReluCodes as ReluCodes
from harness.evidence.base import EVIDENCE as EVIDENCE
from harness.evidence.base import Evidence as Evidence
from harness.evidence.base import Subject as Subject
from harness.evidence.gradients import FirstBatchGradients as FirstBatchGradients
from harness.evidence.gradients import GradientCurvature as GradientCurvature
from harness.evidence.gradients import InputGradients as InputGradients
from harness.evidence.gradients import ParameterGradients as ParameterGradients
from harness.evidence.gradients import WeightGradients as WeightGradients
from harness.evidence.layers import Layers as Layers
from harness.evidence.synflow import SynflowGradients as SynflowGradients
from harness.evidence.synflow import SynflowSaliency as SynflowSaliency
from harness.evidence.weights import Weights as Weights
