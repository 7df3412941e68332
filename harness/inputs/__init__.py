"""Inputs: a data set and a seed -> the batches that networks are scored on.

`data_set` defines a data set and draws its batches, `archives` downloads and unpacks published images.
"""

from harness.inputs.data_set import DATA_SETS as DATA_SETS
from harness.inputs.data_set import Batch as Batch
from harness.inputs.data_set import Batches as Batches
from harness.inputs.data_set import BatchRequest as BatchRequest
from harness.inputs.data_set import DataSet as DataSet
from harness.inputs.data_set import Images as Images
from harness.inputs.data_set import InputKind as InputKind
from harness.inputs.data_set import batch_of as batch_of
from harness.inputs.data_set import draw_batches as draw_batches
from harness.inputs.data_set import preferred_kind as preferred_kind
from harness.inputs.packing import InputPart as InputPart
from harness.inputs.packing import pack as pack
from harness.inputs.packing import unpack as unpack
