"""timm's zoo: 1,556 results of trained ImageNet networks."""

from benchmarks.timm_zoo.space import TimmZoo as TimmZoo
from benchmarks.timm_zoo.truth import SOURCE as SOURCE
