"""Search spaces: architectures -> their canonical forms, layers, costs and networks.

`search_space` is the contract that a benchmark's space fulfils, `notation` the ways to write its architectures,
`layers` what is counted of a network, `graph` an architecture as nodes and edges to draw, `initialise` the weights of
a network from (seed, text).
"""

from harness.space.layers import ConcatenatingCell as ConcatenatingCell
from harness.space.layers import Layer as Layer
from harness.space.layers import LayerTable as LayerTable
from harness.space.notation import Architecture as Architecture
from harness.space.notation import Notation as Notation
from harness.space.search_space import BENCHMARKS as BENCHMARKS
from harness.space.search_space import Execute as Execute
from harness.space.search_space import OpenSpace as OpenSpace
from harness.space.search_space import SearchSpace as SearchSpace
