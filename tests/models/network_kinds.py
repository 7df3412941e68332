"""One network of each kind that people have, on images of 1 x 8 x 8 pixels in 10 classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Functional(nn.Module):
    """A CNN with functional ReLUs and GroupNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.head = nn.GroupNorm(2, 8), nn.Linear(8, 10)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.norm(self.first(images)))
        features = F.relu(self.second(features), inplace=True)
        return self.head(features.mean(dim=(2, 3)))


class Transformer(nn.Module):
    """Rows are tokens; attention with packed weights, GELU, dropout and a learnt position."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.position = nn.Linear(8, 16), nn.Parameter(torch.randn(1, 8, 16) * 0.02)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, activation="gelu", batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.block(self.embed(images[:, 0]) + self.position).mean(dim=1))


class Sequence1d(nn.Module):
    """Conv1d over rows, a recurrent layer, and a dictionary as output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.rnn, self.head = (
            nn.Conv1d(8, 12, 3, padding=1),
            nn.GRU(12, 12, batch_first=True),
            nn.Linear(12, 10),
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = F.silu(self.conv(images[:, 0])).transpose(1, 2)
        return {"features": features, "logits": self.head(self.rnn(features)[0][:, -1])}


class Shared(nn.Module):
    """One layer used three times, a tied output, and an output that is a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.head = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 10)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = F.relu6(self.into(images.flatten(1)))
        for _ in range(3):
            features = F.hardswish(self.again(features))
        return self.head(features), features


class Frozen(nn.Module):
    """Half of the weights are frozen, one layer gets no gradient, and one branch depends on the data."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.middle, self.head = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)
        self.unused = nn.Linear(64, 64)
        self.into.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        features = self.into(images.flatten(1)).relu()
        if features.mean() > 1e9:
            features = -features
        return self.head(torch.tanh(self.middle(features)))


class Inverted(nn.Module):
    """Depthwise and grouped convolutions, batch normalisation, ReLU6, pooling as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
            nn.Conv2d(8, 12, 1, groups=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(12, 10),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


class Decoder(nn.Module):
    """Transposed and three-dimensional convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.deep, self.head = (
            nn.ConvTranspose2d(1, 4, 2, stride=2),
            nn.Conv3d(1, 4, 3, padding=1),
            nn.Linear(16, 10),
        )

    def forward(self, images: Tensor) -> Tensor:
        features = F.leaky_relu(self.deep(F.elu(self.up(images)).unsqueeze(1)))
        return self.head(features.mean(dim=(3, 4)).flatten(1))


class Half(nn.Module):
    """Weights in half precision and no normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Mish(), nn.Linear(32, 10)).half()

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


class Tokens(nn.Module):
    """An embedding of tokens with a mask: two inputs, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm, self.head = nn.Embedding(20, 16), nn.LayerNorm(16), nn.Linear(16, 10)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        features = F.gelu(self.norm(self.table(tokens))) * mask.unsqueeze(-1)
        return self.head(features.sum(dim=1))


IMAGE_NETWORKS: dict[str, type[nn.Module]] = {
    "functional": Functional,
    "transformer": Transformer,
    "sequence": Sequence1d,
    "shared": Shared,
    "frozen": Frozen,
    "inverted": Inverted,
    "decoder": Decoder,
    "half": Half,
}
