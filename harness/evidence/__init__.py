"""Evidence: the result of one kind of pass over a network, computed once and shared by all proxies that use it."""

from harness.evidence.activations import ChannelSensitivities as ChannelSensitivities
from harness.evidence.activations import NamedReluCodes as NamedReluCodes
from harness.evidence.activations import OutputSizes as OutputSizes
from harness.evidence.activations import ReluCodes as ReluCodes
from harness.evidence.base import EVIDENCE as EVIDENCE
from harness.evidence.base import Evidence as Evidence
from harness.evidence.base import Subject as Subject
from harness.evidence.cells import CellFeatures as CellFeatures
from harness.evidence.channels import ChannelCorrelations as ChannelCorrelations
from harness.evidence.gradients import FirstBatchGradients as FirstBatchGradients
from harness.evidence.gradients import InputGradients as InputGradients
from harness.evidence.gradients import ParameterGradients as ParameterGradients
from harness.evidence.gradients import WeightCurvature as WeightCurvature
from harness.evidence.gradients import WeightGradients as WeightGradients
from harness.evidence.layers import ConcatenatingCells as ConcatenatingCells
from harness.evidence.layers import Layers as Layers
from harness.evidence.patterns import LinearRegionsSeen as LinearRegionsSeen
from harness.evidence.per_image import PerImageGradients as PerImageGradients
from harness.evidence.private import PrivateNetwork as PrivateNetwork
from harness.evidence.private import PrivateNetworkAndImages as PrivateNetworkAndImages
from harness.evidence.synflow import SynflowGradients as SynflowGradients
from harness.evidence.synflow import SynflowSaliency as SynflowSaliency
from harness.evidence.tangent import TangentKernel as TangentKernel
from harness.evidence.weights import Weights as Weights
