"""Figure 1: a linear model after one update along the summed gradient, for many draws of the initial weights."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.randomness import derive_seed
from harness.theory.bounds import (
    GradientMoments,
    gradient_moments,
    loss_bound,
    loss_bound_as_printed,
    loss_bound_by_variance,
    total_loss,
    updated,
)
from harness.theory.figures import bounds_figure, linear_figure
from harness.theory.finding import Finding
from harness.theory.images import Handwriting
from harness.theory.settings import LinearSettings
from harness.theory.trends import Claim, Trend, trend

_TOLERANCE = 1e-9  # relative tolerance for rounding in float64
_RATES = np.geomspace(1e-2, 2e3, 40)  # of the sweep, times 1 / n_images


def linear(settings: LinearSettings, handwriting: Handwriting, seed: int) -> Finding:
    """Losses after the update against the gradient moments before it, and both bounds over learning rates."""
    n_images = len(handwriting)
    source = np.random.default_rng(derive_seed("theory", seed, "linear"))
    weights = settings.weight_std * source.standard_normal((settings.n_draws, handwriting.images.shape[1]))
    moments = gradient_moments(handwriting.images, handwriting.labels, weights)
    rate = settings.learning_rate or 1 / n_images
    points = pd.DataFrame(
        {
            "mean_squares": moments.mean_squares,
            "variances": moments.variances,
            "mean_to_variance": moments.mean_squares / moments.variances,
            "loss_before": moments.squares / 2,
            "loss": _loss(handwriting, weights, rate),
            "bound": loss_bound(moments, rate),
            "bound_as_printed": loss_bound_as_printed(moments, rate),
        }
    )
    points["loss_ratio"] = points["loss"] / points["loss_before"]
    sweep = _sweep(handwriting, weights, moments)
    pictures: dict[str, Callable[[], Figure]] = {
        "linear": partial(linear_figure, points, n_images, rate, handwriting.source),
        "linear_bounds": partial(bounds_figure, sweep, handwriting.source),
    }
    return Finding(
        name="linear",
        title="Theorem 3.1: a linear model after one update",
        source=handwriting.source,
        points=points,
        trends=tuple(_trends(points)),
        pictures=pictures,
        notes=(
            f"{len(points):,} draws of the weights from N(0, {settings.weight_std:g}^2), M = {n_images:,} images, one "
            f"update along the summed gradient at eta = {rate:g}"
            + (" = 1/M: the mean gradient at rate 1." if settings.learning_rate is None else "."),
            *_violations(points, moments, handwriting, weights),
            f"The loss is {points['loss'].median() / points['bound'].median():.2f} of the corrected bound (medians).",
        ),
    )


def _loss(handwriting: Handwriting, weights: np.ndarray, rate: float) -> np.ndarray:
    images, labels = handwriting.images, handwriting.labels
    return total_loss(images, labels, updated(images, labels, weights, rate))


def _trends(points: pd.DataFrame) -> Iterator[Trend]:
    yield trend(points, "mean_squares", "loss", claim=Claim.falls)
    yield trend(points, "variances", "loss", claim=Claim.rises)
    yield trend(points, "mean_squares", "loss_ratio", claim=Claim.falls)
    yield trend(points, "variances", "loss_ratio", claim=Claim.rises)
    yield trend(points, "mean_to_variance", "loss_ratio", claim=Claim.falls)
    yield trend(points, "loss_before", "loss", claim=Claim.none)


def _violations(
    points: pd.DataFrame, moments: GradientMoments, handwriting: Handwriting, weights: np.ndarray
) -> Iterator[str]:
    """How often each bound is violated: at the run's rate, at 1 (as stated in the paper), and Equation 6 at 1/M."""
    n_draws, n_images = len(points), moments.n_images
    at_one = _loss(handwriting, weights, 1.0)
    at_inverse = _loss(handwriting, weights, 1 / n_images)
    here = [points[name].to_numpy() for name in ("loss", "bound_as_printed", "bound")]
    there = [at_one, loss_bound_as_printed(moments, 1.0), loss_bound(moments, 1.0)]
    for where, (loss, printed, corrected) in (("at this eta", here), ("at eta = 1", there)):
        yield (
            f"Equation 5 as printed is violated in {_exceeded(loss, printed):,} of {n_draws:,} draws {where}, the "
            f"corrected bound in {_exceeded(loss, corrected):,}."
        )
    yield (
        f"Equation 6 is violated in {_exceeded(at_inverse, loss_bound_by_variance(moments)):,} of {n_draws:,} draws at "
        f"eta = 1/M. At eta = 1 the median loss per image is {np.median(at_one) / n_images:,.3g}, before the update "
        f"{np.median(moments.squares) / 2 / n_images:.3g}, at eta = 1/M {np.median(at_inverse) / n_images:.3g}."
    )


def _exceeded(loss: np.ndarray, bound: np.ndarray) -> int:
    return int((loss > bound + _TOLERANCE * np.abs(loss)).sum())


def _sweep(handwriting: Handwriting, weights: np.ndarray, moments: GradientMoments) -> pd.DataFrame:
    """Medians over the draws of loss and bounds per image, over learning rates in units of 1 / n_images."""
    rows = []
    for scaled in _RATES:
        rate = scaled / moments.n_images
        values = {
            "loss": _loss(handwriting, weights[:100], rate),
            "bound": loss_bound(moments, rate)[:100],
            "bound_as_printed": loss_bound_as_printed(moments, rate)[:100],
        }
        medians = {name: float(np.median(value)) / moments.n_images for name, value in values.items()}
        rows.append({"rate_times_images": scaled, **medians})
    return pd.DataFrame(rows)
