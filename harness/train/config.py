"""From the command line to a job and its run location."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from omegaconf import DictConfig

from harness.cli.config import plain_values
from harness.cli.reading import read_into
from harness.errors import OptionError
from harness.evaluation.marks import marked_archs
from harness.inputs import DATA_SETS, DataSet
from harness.inputs.own import is_own
from harness.paths import images_home
from harness.settings import check_device
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.space.initialise import Initialisation
from harness.space.loading import as_file
from harness.train.job import Job, RunLocation
from harness.train.recipe import Recipe


@dataclass(frozen=True)
class TrainingSettings:
    """Defaults are those of the command line; see conf/train.yaml for what each one means."""

    bench: str = "nats_tss"
    arch: str | None = None
    dataset: str = "digits"
    seed: int = 0
    init: Initialisation = Initialisation.default
    device: str = "cpu"
    workers: int = 4
    data: Path | None = None
    onnx: bool = True
    out: Path | None = None
    resume: bool = True
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Training:
    """A job, its run location, and whether to write an ONNX file."""

    job: Job
    location: RunLocation
    onnx: bool


def read_settings(config: DictConfig) -> TrainingSettings:
    """The settings of a composed configuration.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    recipe = dict(values["recipe"])
    if recipe["teacher"]["source"] is None:
        recipe["teacher"] = None
    return read_into(TrainingSettings, {**values, "recipe": recipe})


def read_trainings(config: DictConfig) -> tuple[Training, ...]:
    """The trainings that a composed configuration describes: one, or one for each architecture of a file of marks.

    Raises:
        HarnessError: for values that are invalid.
    """
    settings = read_settings(config)
    space, data_set = _registered(settings)
    check_device(settings.device)
    archs = None if settings.arch is None else marked_archs(settings.arch, space)
    several = archs is not None and len(archs) > 1
    return tuple(
        _training(settings, Job(space, arch, data_set, settings.recipe, settings.seed, settings.init), several)
        for arch in archs or [_architecture(space, settings.arch)]
    )


def _training(settings: TrainingSettings, job: Job, several: bool) -> Training:
    """One training; of several, those of out= go into a folder each."""
    folder = f"{job.space.name}-{job.label}-{job.data_set.name}-{settings.recipe.name}"
    given = None if settings.out is None else settings.out / folder if several else settings.out
    location = RunLocation(
        out=(given or Path("results/training") / folder).expanduser(),
        device=torch.device(settings.device),
        images=images_home(),
        data=None if settings.data is None else settings.data.expanduser(),
        workers=settings.workers,
        resume=settings.resume,
    )
    return Training(job, location, settings.onnx)


def _registered(settings: TrainingSettings) -> tuple[SearchSpace, DataSet]:
    """The benchmark and the data set.

    Raises:
        OptionError: if one is a file or folder of the user's own.
    """
    if as_file(settings.bench) is not None:
        raise OptionError(
            f"bench={settings.bench} is invalid: this command trains networks of registered benchmarks. Train your own "
            "with code of your own, and give what they reach as truth=FILE.csv:COLUMN of an evaluation."
        )
    if is_own(settings.dataset):
        raise OptionError(
            f"dataset={settings.dataset} is invalid: this command trains on registered data sets, "
            f"{', '.join(DATA_SETS)}. Your own data is for the proxies of an evaluation or a search."
        )
    return BENCHMARKS.get(settings.bench), DATA_SETS.get(settings.dataset)


def _architecture(space: SearchSpace, text: str | None) -> Architecture:
    if text is None:
        raise OptionError(f"Which network? Give arch=: an architecture of {space.name}, as '{space.start}'.")
    path = Path(text)
    try:
        if path.suffix == ".txt" and path.is_file():
            text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"arch={path} cannot be read ({type(error).__name__}).") from None
    return space.find(text)
