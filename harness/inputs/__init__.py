"""Inputs: a data set and a seed -> the batches that networks are scored on.

`batch` is what is asked for and drawn, `data_set` defines a data set and draws its batches, `archives` downloads and
unpacks published images. Data of a user's own are opened by `own`: arrays (`own_arrays`), folders (`own_folder`) and
loaders (`own_loader`), with what they have in common in `own_data`, their `losses`, and `functions` of a user's files.
"""

from harness.inputs.batch import Batch as Batch
from harness.inputs.batch import Batches as Batches
from harness.inputs.batch import BatchRequest as BatchRequest
from harness.inputs.batch import Images as Images
from harness.inputs.batch import InputKind as InputKind
from harness.inputs.data_set import DATA_SETS as DATA_SETS
from harness.inputs.data_set import DataSet as DataSet
from harness.inputs.data_set import draw_batches as draw_batches
from harness.inputs.data_set import preferred_kind as preferred_kind
from harness.inputs.losses import LOSSES as LOSSES
from harness.inputs.losses import MASKED as MASKED
from harness.inputs.losses import OUTPUT_SUM as OUTPUT_SUM
from harness.inputs.losses import Loss as Loss
from harness.inputs.own import is_own as is_own
from harness.inputs.own import not_by_name as not_by_name
from harness.inputs.own import open_data_set as open_data_set
from harness.inputs.own import own_data as own_data
from harness.inputs.own import refuse_options as refuse_options
from harness.inputs.own_data import DataOptions as DataOptions
from harness.inputs.own_data import OwnData as OwnData
from harness.inputs.packing import InputPart as InputPart
from harness.inputs.packing import pack as pack
from harness.inputs.packing import unpack as unpack
