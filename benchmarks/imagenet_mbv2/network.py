"""The networks of ZiCo's ImageNet space. arXiv:2301.11300, Section 4.5; numbers are those of the authors' code."""

from typing import cast

from torch import Tensor, nn

from benchmarks.imagenet_mbv2.counts import SQUEEZED, STEM_KERNEL
from benchmarks.imagenet_mbv2.structure import HEAD_WIDTH, Bottleneck, Structure
from harness.inputs import DataSet

_EPSILON = 1e-3  # of all normalisations


class Squeeze(nn.Module):
    """Squeeze-and-excitation with normalisations: each channel times a factor in (0, 1) computed from all means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.factors = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *_normalised(width, width // SQUEEZED, 1),
            nn.ReLU(),
            *_normalised(width // SQUEEZED, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, features * self.factors(features))


class InvertedBottleneck(nn.Module):
    """One `Bottleneck` and the ReLU after it, with or without its residual link and squeeze-and-excitation."""

    def __init__(self, plan: Bottleneck, *, residuals: bool, squeeze_excitation: bool) -> None:
        super().__init__()
        hidden = plan.n_hidden
        self.body = nn.Sequential(
            *_normalised(plan.n_in, hidden, 1),
            nn.ReLU(),
            *_normalised(hidden, hidden, plan.kernel, plan.stride, groups=hidden),
            nn.ReLU(),
            *([Squeeze(hidden)] if squeeze_excitation else []),
            *_normalised(hidden, plan.n_out, 1),
        )
        self.link: nn.Module | None = None
        if residuals:
            projection = (nn.Conv2d(plan.n_in, plan.n_out, 1), nn.BatchNorm2d(plan.n_out, _EPSILON))
            self.link = nn.Sequential(*projection) if plan.projects else nn.Identity()
        # The link's convolution has the stride in the authors' code. In that form, torch 2.13 on CPUs writes out of
        # bounds in the backward pass of 8 to 8 channels (channels last, 56 x 56 pixels and more) and crashes.
        self.every = nn.AvgPool2d(1, plan.stride)
        self.act = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        changed = self.body(features)
        return cast(Tensor, self.act(changed if self.link is None else changed + self.link(self.every(features))))


class ImagenetNetwork(nn.Module):
    """Stem, inverted bottlenecks, last convolution, mean over the image, classifier.

    `origin` is the key from which, with a module's name, its parameters are drawn; see `SearchSpace.assemble`.
    """

    def __init__(
        self, structure: Structure, data_set: DataSet, *, origin: str, residuals: bool, squeeze_excitation: bool
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_normalised(data_set.shape[0], structure.stem_width, STEM_KERNEL, 2), nn.ReLU())
        self.blocks = nn.Sequential(
            *(
                InvertedBottleneck(plan, residuals=residuals, squeeze_excitation=squeeze_excitation)
                for plan in structure.bottlenecks()
            )
        )
        self.head = nn.Sequential(*_normalised(structure.width, HEAD_WIDTH, 1), nn.ReLU())
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(HEAD_WIDTH, data_set.n_classes)
        self.init_keys = {name: f"{origin}/{name}" for name, _ in self.named_modules()}

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.pool(self.head(self.blocks(self.stem(images))))))


def _normalised(n_in: int, n_out: int, kernel: int, stride: int = 1, *, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    """A padded convolution without bias, and its normalisation."""
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(n_out, _EPSILON)
