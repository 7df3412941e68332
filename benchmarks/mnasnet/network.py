"""The networks of Accel-NASBench. arXiv:2404.08005; see `structure` for the source of the numbers.

By its configuration file activations are ReLU and gates hard sigmoids; the code's own defaults are SiLU and sigmoid.
Dropout and stochastic depth belong to the training and are not here. Initialisation is PyTorch's default.
"""

from typing import cast

from torch import Tensor, nn

from benchmarks.mnasnet.structure import HEAD_WIDTH, STEM_WIDTH, blocks
from benchmarks.mobile_blocks import InvertedBottleneck, normalised
from harness.inputs import DataSet
from harness.space import Choices


class MnasNetwork(nn.Module):
    """Stem, inverted bottlenecks, last convolution, mean over the image, classifier.

    `origin` is the text from which, with a module's name, its parameters are drawn; see `SearchSpace.assemble`.
    """

    def __init__(self, choices: Choices, data_set: DataSet, *, origin: str) -> None:
        super().__init__()
        planned = blocks(choices)
        self.stem = nn.Sequential(*normalised(data_set.shape[0], STEM_WIDTH, 3, 2), nn.ReLU())
        self.blocks = nn.Sequential(*map(InvertedBottleneck, planned))
        self.head = nn.Sequential(*normalised(planned[-1].n_out, HEAD_WIDTH, 1), nn.ReLU())
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(HEAD_WIDTH, data_set.n_classes)
        self.init_keys = {name: f"{origin}/{name}" for name, _ in self.named_modules()}
        self.cells = ("stem", *(f"blocks.{at}" for at in range(len(planned))))

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.pool(self.head(self.blocks(self.stem(images))))))
