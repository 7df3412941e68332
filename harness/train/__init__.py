"""Training: an architecture's network trained by a recipe. `from harness.train import train, Job, Recipe`."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.train.job import Job as Job
    from harness.train.loop import TrainingResult as TrainingResult
    from harness.train.loop import train as train
    from harness.train.recipe import Augmentation as Augmentation
    from harness.train.recipe import Pipeline as Pipeline
    from harness.train.recipe import Recipe as Recipe
    from harness.train.recipe import Teacher as Teacher

__getattr__ = lazily(
    __name__,
    {
        "Job": "harness.train.job",
        "TrainingResult": "harness.train.loop",
        "train": "harness.train.loop",
        "Augmentation": "harness.train.recipe",
        "Pipeline": "harness.train.recipe",
        "Recipe": "harness.train.recipe",
        "Teacher": "harness.train.recipe",
    },
)
