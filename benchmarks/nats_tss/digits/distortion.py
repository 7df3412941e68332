"""Distorted digits: the fresh training batches of every seed, and the fixed copies of the test images."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.digits.recipe import LabelledImages, Recipe, held_out_images, training_images
from harness.randomness import generator


@dataclass(frozen=True, eq=False)
class TrainingStream:
    """The batches of every step and seed; all cells see the same ones, as in NAS-Bench-201.

    `images` float32 [step, batch, seed, 8, 8], normalised; `labels` int64 [step, seed, batch].
    """

    images: Tensor
    labels: Tensor


def training_stream(recipe: Recipe) -> TrainingStream:
    """Epochs without replacement, joined without gaps; a seed's batches depend on no other seed."""
    digits = training_images()
    images, labels = [], []
    for seed in recipe.seeds:
        source = generator("digits training stream", seed)
        rows = _epochs(len(digits), recipe.n_steps * recipe.batch_size, source)
        distorted = distort(digits.images[rows], recipe, source)
        images.append(distorted.reshape(recipe.n_steps, recipe.batch_size, *distorted.shape[2:]))
        labels.append(digits.labels[rows].reshape(recipe.n_steps, recipe.batch_size))
    return TrainingStream(torch.stack(images, dim=2), torch.stack(labels, dim=1))


def held_out_copies(recipe: Recipe) -> LabelledImages:
    """`n_test_copies` distorted copies of every held-out image, equal for all cells and seeds; normalised.

    The distortions are those of training, so this is the accuracy on unseen images of the trained distribution. More
    copies lower the noise of the measured accuracy.
    """
    digits = held_out_images()
    copies = [
        distort(digits.images, recipe, generator("digits test copy", copy)) for copy in range(recipe.n_test_copies)
    ]
    return LabelledImages(torch.cat(copies), digits.labels.repeat(recipe.n_test_copies))


def distort(images: Tensor, recipe: Recipe, source: torch.Generator) -> Tensor:
    """Each image rotated, scaled and shifted at random about its centre, then normalised as for the proxies.

    Bilinear; what comes in from outside is background. [n, 1, height, width] in intensities, the same shape out.
    """

    def uniform(bound: float) -> Tensor:
        return (torch.rand(len(images), generator=source) * 2 - 1) * bound

    angle = uniform(recipe.max_rotation_degrees * math.pi / 180)
    shrink = torch.exp(-uniform(recipe.max_log_scale))
    size = images.shape[-1]
    shift = [uniform(recipe.max_shift_pixels) * (2 / size) for _ in range(2)]  # grid units: the image spans [-1, 1]
    cosine, sine = torch.cos(angle) * shrink, torch.sin(angle) * shrink
    # The grid asks where each output pixel comes from: shift back, then rotate and scale back.
    matrix = torch.stack((cosine, sine, -sine, cosine), dim=1).reshape(-1, 2, 2)
    offset = -matrix @ torch.stack(shift, dim=1).unsqueeze(2)
    grid = F.affine_grid(torch.cat((matrix, offset), dim=2), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return (moved - DIGITS.mean[0]) / DIGITS.std[0]


def _epochs(n_images: int, n_wanted: int, source: torch.Generator) -> Tensor:
    """`n_wanted` row numbers: one permutation of all images after the other."""
    n_epochs = math.ceil(n_wanted / n_images)
    return torch.cat([torch.randperm(n_images, generator=source) for _ in range(n_epochs)])[:n_wanted]
