"""Search spaces: architectures -> their canonical forms, layers, costs and networks.

`architecture_set` is what names the architectures and finds the one that a word means; `search_space`, derived from it,
is the contract that a benchmark's space fulfils, `sampled` that of one too large to list of which a part was trained.
`notation` is the ways to write architectures, `layers` what is counted of a network, `graph` an architecture as nodes
and edges to draw, `removals` one with an edge less, `coordinates` the box of a space of numbers, `initialise` the
weights of a network from (seed, text). `model_space` is a space of the user's own networks, `given_networks` one of
functions and objects, which `build_function` calls and `tracing` counts; `loading` finds a space in a file, and
`published_models` is one of a benchmark.
"""

from harness.space.architecture_set import ArchitectureSet as ArchitectureSet
from harness.space.coordinates import Coordinates as Coordinates
from harness.space.layers import ConcatenatingCell as ConcatenatingCell
from harness.space.layers import Layer as Layer
from harness.space.layers import LayerTable as LayerTable
from harness.space.notation import Architecture as Architecture
from harness.space.notation import Notation as Notation
from harness.space.removals import Removal as Removal
from harness.space.sampled import Choices as Choices
from harness.space.sampled import SampledSpace as SampledSpace
from harness.space.search_space import BENCHMARKS as BENCHMARKS
from harness.space.search_space import Execute as Execute
from harness.space.search_space import OpenSpace as OpenSpace
from harness.space.search_space import SearchSpace as SearchSpace
from harness.space.search_space import refuse_unfit as refuse_unfit

from harness.space.model_space import ModelSpace as ModelSpace  # isort: skip
from harness.space.published_models import PublishedModels as PublishedModels  # isort: skip
from harness.space.loading import space_of as space_of  # isort: skip
