"""Inputs at a network's own size, in spaces whose networks do not all take the same.

Noise is drawn anew at that size, from (seed, data set, batch, size). Images are those of the batch, resampled
bicubically with antialiasing, so that every network sees the same ones.
"""

from dataclasses import replace

import torch
from torch.nn import functional as F

from harness.inputs import Batch, DataSet, InputKind
from harness.randomness import generator


def of_shape(data_set: DataSet, shape: tuple[int, ...]) -> DataSet:
    """The data set with inputs of another size; its classes, loss and name stay the same."""
    return data_set if shape == data_set.shape else replace(data_set, shape=shape)


def batch_of_shape(batch: Batch, sized: DataSet, kind: InputKind, place: tuple[int, int]) -> Batch:
    """A batch of images [n, channels, height, width] at the size of `sized`, with the same targets.

    Args:
        batch: as drawn for the data set.
        sized: see `of_shape`.
        kind: of its inputs.
        place: the seed, and the number of the batch.
    """
    device = batch.images.device
    if kind is InputKind.noise:
        seed, index = place
        source = generator("batches", seed, sized.name, "noise", index, *sized.shape)
        return Batch(sized.noise_images(len(batch.images), source).to(device), batch.targets)
    with torch.no_grad():
        images = F.interpolate(batch.images, size=sized.shape[1:], mode="bicubic", antialias=True, align_corners=False)
    return Batch(images.contiguous(), batch.targets)
