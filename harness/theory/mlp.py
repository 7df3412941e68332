"""Figures 2 and 5: loss of two-layer ReLU networks after one epoch against the deviation of gradients over batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.errors import OptionError
from harness.progress import Progress
from harness.randomness import derive_seed
from harness.theory.bounds import Descent, limit_gram_matrix
from harness.theory.figures import mlp_figure, random_mlps_figure
from harness.theory.finding import Finding
from harness.theory.images import Handwriting
from harness.theory.settings import MlpSettings, RandomMlpsSettings
from harness.theory.trends import Claim, Trend, trend
from harness.theory.two_layer import Networks, one_epoch

_GRAM_IMAGES = 1_000  # for the limit Gram matrix, whose smallest eigenvalue can only decrease with more images


@dataclass(frozen=True, eq=False)
class _Course:
    """The images of an experiment, its batch sizes and learning rates."""

    training: Handwriting
    test: Handwriting
    batch_sizes: Sequence[int]
    learning_rates: Sequence[float]

    @property
    def source(self) -> str:
        """The sources of training and test images."""
        return f"{self.training.source}; {self.test.source}"

    def run(self, title: str, networks: Networks) -> pd.DataFrame:
        """One row per batch size, learning rate and network, with a progress bar."""
        parts = list(networks.parts())
        tables = []
        with Progress(title, len(parts), "groups of networks") as progress:
            for part in parts:
                tables.append(self._run_part(part))
                progress.advance()
        points = pd.concat(tables, ignore_index=True)
        points["loss_removed"] = 1 - points["train_loss"] / points["train_loss_before"]
        points["mean_to_sigma"] = points["mean_gradient"] / points["sigma"]
        return points.sort_values(["learning_rate", "batch_size"], kind="stable", ignore_index=True)

    def _run_part(self, part: Networks) -> pd.DataFrame:
        before = {
            "train_loss_before": part.losses(self.training.images, self.training.labels),
            "test_loss_before": part.losses(self.test.images, self.test.labels),
        }
        tables = []
        for rate in self.learning_rates:
            for batch_size in self.batch_sizes:
                after = self._measured(part, batch_size, rate)
                tables.append(pd.DataFrame({"learning_rate": rate, "batch_size": batch_size, **before, **after}))
        return pd.concat(tables)

    def _measured(self, part: Networks, batch_size: int, rate: float) -> dict[str, np.ndarray]:
        images, labels = self.training.images, self.training.labels
        epoch = one_epoch(part, images, labels, batch_size=batch_size, learning_rate=rate)
        distances = [
            Descent(len(labels), images.shape[1], rate, epoch.n_steps, deviation).distance
            for deviation in epoch.deviations.tolist()
        ]
        stayed = epoch.moved <= np.repeat(distances, part.widths)
        unchanged = epoch.networks.weights.astype(np.float32) == part.weights.astype(np.float32)
        return {
            "width": part.widths,
            "sigma": epoch.deviations,
            "mean_gradient": epoch.means,
            "train_loss": epoch.networks.losses(images, labels),
            "test_loss": epoch.networks.losses(self.test.images, self.test.labels),
            "distance": np.array(distances),
            "moved": np.sqrt(part.sum_rows(epoch.moved**2) / part.widths),
            "within_distance": part.sum_rows(stayed.astype(np.float64)) / part.widths,
            "unchanged_in_float32": part.sum_rows(unchanged.mean(axis=1)) / part.widths,
        }


def mlp(settings: MlpSettings, training: Handwriting, test: Handwriting, seed: int) -> Finding:
    """Networks of a few widths: training and test loss after one epoch against sigma, for each batch size and rate."""
    course = _Course(training, test, settings.batch_sizes, settings.learning_rates)
    _require_batch(settings.batch_sizes, training)
    source = np.random.default_rng(derive_seed("theory", seed, "mlp"))
    widths = np.repeat(np.array(settings.widths, dtype=np.int64), settings.n_draws)
    points = course.run("mlp", Networks.drawn(widths, training.images.shape[1], source))
    pictures: dict[str, Callable[[], Figure]] = {
        f"mlp_{rate:g}": partial(mlp_figure, points[points["learning_rate"] == rate], course.source)
        for rate in settings.learning_rates
    }
    return Finding(
        name="mlp",
        title="Theorems 3.3 and 3.5: two-layer networks after one epoch",
        source=course.source,
        points=points,
        trends=tuple(_mlp_trends(points)),
        pictures=pictures,
        notes=(
            f"{settings.n_draws} draws of N(0, 1) weights for each width; batches of the mean gradient, one epoch in "
            "one order. sigma is the root of the mean over weights of the variance over batches; losses are means of "
            "(h - y)^2 / 2, y the digit.",
            *_conditions(points, training),
        ),
    )


def random_mlps(settings: RandomMlpsSettings, training: Handwriting, test: Handwriting, seed: int) -> Finding:
    """Networks of random widths and scales: test loss after one epoch against sigma, for each batch size."""
    course = _Course(training, test, settings.batch_sizes, [settings.learning_rate])
    _require_batch(settings.batch_sizes, training)
    source = np.random.default_rng(derive_seed("theory", seed, "random_mlps"))
    low, high = np.log(settings.widths[0]), np.log(settings.widths[1] + 1)
    widths = np.exp(source.uniform(low, high, settings.n_networks)).astype(np.int64)
    smallest, largest = np.log(settings.weight_scales)
    scales = np.exp(source.uniform(smallest, largest, settings.n_networks))
    networks = Networks.drawn(widths, training.images.shape[1], source, scales)
    points = course.run("random_mlps", networks)
    points["weight_scale"] = np.tile(scales, len(settings.batch_sizes))
    points["sigma_sqrt_width"] = points["sigma"] * np.sqrt(points["width"])
    return Finding(
        name="random_mlps",
        title="Theorem 3.5: random two-layer networks after one epoch",
        source=course.source,
        points=points,
        trends=tuple(_random_trends(points)),
        pictures={"random_mlps": partial(random_mlps_figure, points, course.source)},
        notes=(
            f"{settings.n_networks} networks, widths log-uniform from {settings.widths[0]} to {settings.widths[1]}, "
            f"initial weights N(0, scale^2), scales log-uniform from {settings.weight_scales[0]:g} to "
            f"{settings.weight_scales[1]:g}.",
            f"Test losses lie between {points['test_loss'].min():.1f} and {points['test_loss'].max():.1f}.",
            *_conditions(points, training),
        ),
    )


def _require_batch(batch_sizes: Sequence[int], training: Handwriting) -> None:
    largest = max(batch_sizes)
    if 2 * largest > len(training):
        raise OptionError(
            f"batch_sizes={list(batch_sizes)} is invalid for {len(training):,} training images: a deviation over "
            f"batches needs at least two. Use batches of at most {len(training) // 2}."
        )


def _mlp_trends(points: pd.DataFrame) -> Iterator[Trend]:
    for (rate, batch_size, width), rows in points.groupby(["learning_rate", "batch_size", "width"]):
        setting = f"rate {rate:g}, batches of {batch_size}, width {width}"
        for column in ("train_loss", "test_loss"):
            yield trend(rows, "sigma", column, claim=Claim.rises, setting=setting)
        yield trend(rows, "sigma", "loss_removed", claim=Claim.falls, setting=setting)
        yield trend(rows, "mean_to_sigma", "loss_removed", claim=Claim.rises, setting=setting)


def _random_trends(points: pd.DataFrame) -> Iterator[Trend]:
    for batch_size, rows in points.groupby("batch_size"):
        setting = f"batches of {batch_size}"
        yield trend(rows, "sigma", "test_loss", claim=Claim.rises, setting=setting)
        yield trend(rows, "sigma", "test_loss_before", claim=Claim.none, setting=setting)
        yield trend(rows, "sigma", "loss_removed", claim=Claim.falls, setting=setting)
        yield trend(rows, "mean_to_sigma", "loss_removed", claim=Claim.rises, setting=setting)
        if rows["width"].nunique() > 1:
            yield trend(rows, "sigma_sqrt_width", "test_loss", claim=Claim.none, setting=setting)
            yield trend(rows, "width", "sigma", claim=Claim.none, setting=setting)
            yield trend(rows, "width", "test_loss", claim=Claim.none, setting=setting)


def _conditions(points: pd.DataFrame, training: Handwriting) -> Iterator[str]:
    """Whether the theorems' assumptions hold in this run, by learning rate; measured over networks and batch sizes."""
    images = training.images[:_GRAM_IMAGES]
    least, largest = np.linalg.eigvalsh(limit_gram_matrix(images))[[0, -1]]
    yield (
        f"Limit Gram matrix of {len(images):,} of the images: lambda_min {least:.3g}, lambda_max {largest:.4g}; on all "
        f"{len(training):,} images lambda_min is not larger."
    )
    for rate in points["learning_rate"].unique().tolist():
        rows = points[points["learning_rate"] == rate]
        n_steps = len(training) // int(rows["batch_size"].max())
        descent = Descent(len(training), images.shape[1], rate, n_steps, float(rows["sigma"].min()))
        limit = descent.largest_learning_rate(float(least))
        change = abs(rows["loss_removed"]).max()
        yield (
            f"Learning rate {rate:g}: the theorems require a rate below {limit:.2g} (smallest sigma, fewest steps, "
            f"delta = epsilon = .05), at which K equals lambda_min; here K is {descent.gram_change:.3g}. Neurons moved "
            f"{(rows['moved'] / rows['distance']).median():.1f} times the distance C of Theorem 3.2 (median), and "
            f"{rows['within_distance'].mean():.1%} of them at most C, compared with 95 % in the theorem; the mean of a "
            f"weight's gradient, assumed to be 0, is {(rows['mean_gradient'] / rows['sigma']).median():.1f} times "
            f"its sigma. The relative change of the training loss is at most {change:.2g}; rounded to float32, "
            f"{rows['unchanged_in_float32'].mean():.1%} of the weights do not change."
        )
