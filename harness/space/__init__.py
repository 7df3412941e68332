"""Search spaces: architectures -> their canonical forms, layers, costs and networks.

`search_space` is the interface of a benchmark's search space, `graph` describes an architecture as vertices and edges
for drawing, `initialise` draws the weights of a network from (seed, module key).
"""

from harness.space.search_space import BENCHMARKS as BENCHMARKS
from harness.space.search_space import Architecture as Architecture
from harness.space.search_space import ConcatenatingCell as ConcatenatingCell
from harness.space.search_space import Execute as Execute
from harness.space.search_space import Layer as Layer
from harness.space.search_space import LayerTable as LayerTable
from harness.space.search_space import OpenSpace as OpenSpace
from harness.space.search_space import SearchSpace as SearchSpace
