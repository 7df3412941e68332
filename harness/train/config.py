"""From the command line to a job and its run location."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from harness.cli.config import boolean, choice, integer, optional_integer
from harness.errors import OptionError
from harness.inputs import DATA_SETS
from harness.paths import images_home
from harness.settings import check_device
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.space.initialise import Initialisation
from harness.train.job import Job, RunLocation
from harness.train.recipe import Augmentation, Pipeline, Recipe, Teacher

CONFIG = "train"


@dataclass(frozen=True)
class Training:
    """A job, its run location, and whether to write an ONNX file."""

    job: Job
    location: RunLocation
    onnx: bool


def read_training(config: DictConfig) -> Training:
    """The training that a composed configuration describes.

    Raises:
        HarnessError: for invalid values.
    """
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    space, data_set = BENCHMARKS.get(str(values["bench"])), DATA_SETS.get(str(values["dataset"]))
    recipe = _recipe(values["recipe"])
    init = choice("init", values["init"], Initialisation)
    job = Job(space, _architecture(space, values["arch"]), data_set, recipe, integer("seed", values["seed"]), init)
    out = values["out"]
    if out is None:
        out = Path("results/training") / f"{space.name}-{job.label}-{data_set.name}-{recipe.name}"
    check_device(str(values["device"]))
    location = RunLocation(
        out=Path(str(out)).expanduser(),
        device=torch.device(str(values["device"])),
        images=images_home(),
        data=None if values["data"] is None else Path(str(values["data"])).expanduser(),
        workers=integer("workers", values["workers"]),
        resume=boolean("resume", values["resume"]),
    )
    return Training(job, location, boolean("onnx", values["onnx"]))


def _architecture(space: SearchSpace, value: object) -> Architecture:
    if value is None:
        raise OptionError(f"arch is missing. Give an architecture of {space.name}, such as arch='{space.start}'.")
    text = str(value)
    path = Path(text)
    try:
        if path.suffix == ".txt" and path.is_file():
            text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"arch={path} cannot be read ({type(error).__name__}).") from None
    if text.isdecimal() and space.enumerable:
        archs = space.architectures
        if int(text) >= len(archs):
            raise OptionError(f"{space.name} has no architecture {text}; its indices are 0 to {len(archs) - 1}.")
        return archs[int(text)]
    return space.check(text)


def _recipe(values: dict[str, Any]) -> Recipe:
    return Recipe(
        name=str(values["name"]),
        pipeline=choice("recipe.pipeline", values["pipeline"], Pipeline),
        epochs=integer("recipe.epochs", values["epochs"]),
        batch_size=integer("recipe.batch_size", values["batch_size"]),
        shards=integer("recipe.shards", values["shards"]),
        learning_rate=_number("recipe.learning_rate", values["learning_rate"]),
        warmup_epochs=integer("recipe.warmup_epochs", values["warmup_epochs"]),
        momentum=_number("recipe.momentum", values["momentum"]),
        nesterov=boolean("recipe.nesterov", values["nesterov"]),
        weight_decay=_number("recipe.weight_decay", values["weight_decay"]),
        norm_momentum=_number("recipe.norm_momentum", values["norm_momentum"]),
        held_out=_number("recipe.held_out", values["held_out"]),
        augmentation=_augmentation(values["augmentation"]),
        teacher=_teacher(values["teacher"]),
    )


def _augmentation(values: dict[str, Any]) -> Augmentation:
    policy = values["auto_augment"]
    return Augmentation(
        shift=integer("recipe.augmentation.shift", values["shift"]),
        flip=boolean("recipe.augmentation.flip", values["flip"]),
        label_smoothing=_number("recipe.augmentation.label_smoothing", values["label_smoothing"]),
        mixup=_number("recipe.augmentation.mixup", values["mixup"]),
        random_erasing=_number("recipe.augmentation.random_erasing", values["random_erasing"]),
        auto_augment=None if policy is None else str(policy),
    )


def _teacher(values: dict[str, Any]) -> Teacher | None:
    if values["source"] is None:
        return None
    return Teacher(
        source=str(values["source"]),
        weight=_number("recipe.teacher.weight", values["weight"]),
        size=optional_integer("recipe.teacher.size", values["size"]),
    )


def _number(key: str, value: object) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)  # type: ignore[arg-type]  # YAML reads 4e-5 as text
    except (TypeError, ValueError):
        raise OptionError(f"{key}={value} is invalid: it must be a number.") from None
