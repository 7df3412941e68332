"""Two-layer ReLU networks with a fixed second layer, many in parallel: Equation 7 of arXiv:2301.11300.

The neurons of all networks are the rows of one matrix, so that a batch passes through all networks in one product.
float64 throughout: at the paper's learning rate, every update would be lost to rounding in float32.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_IMAGES_AT_ONCE = 1_000
_ROWS_AT_ONCE = 1_024  # neurons whose gradients fit into the cache


@dataclass(frozen=True, eq=False)
class Networks:
    """h(x) = 1/sqrt(m) sum_r s_r relu(w_r.x) for several networks.

    `weights` [n_rows, n_features] holds the concatenated first layers, `outputs` [n_rows] s_r / sqrt(m), `widths`
    [n_networks] the number of rows m of each network.
    """

    weights: Array
    outputs: Array
    widths: NDArray[np.int64]

    @classmethod
    def drawn(
        cls, widths: NDArray[np.int64], n_features: int, source: np.random.Generator, scales: Array | None = None
    ) -> "Networks":
        """Weights from N(0, scale^2), by default N(0, 1), and signs +1 or -1 with equal probability."""
        n_rows = int(widths.sum())
        weights = source.standard_normal((n_rows, n_features))
        if scales is not None:
            weights *= np.repeat(scales, widths)[:, None]
        signs = source.choice([-1.0, 1.0], size=n_rows)
        return cls(weights, signs / np.sqrt(np.repeat(widths, widths)), widths)

    def __len__(self) -> int:
        return len(self.widths)

    @property
    def starts(self) -> NDArray[np.int64]:
        """First row of each network, [n_networks]."""
        return np.asarray(np.cumsum(self.widths) - self.widths)

    def sum_rows(self, values: Array) -> Array:
        """Sums over the rows of each network: [n_rows, ...] to [n_networks, ...]."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))

    def predictions(self, images: Array) -> Array:
        """[n_networks, n_images]."""
        return self.sum_rows(np.maximum(self.weights @ images.T, 0) * self.outputs[:, None])

    def losses(self, images: Array, labels: Array) -> Array:
        """Mean over the images of (h(x) - y)^2 / 2, [n_networks]."""
        totals = np.zeros(len(self))
        for start in range(0, len(labels), _IMAGES_AT_ONCE):
            chunk = slice(start, start + _IMAGES_AT_ONCE)
            totals += np.square(self.predictions(images[chunk]) - labels[chunk]).sum(axis=1)
        return np.asarray(totals / 2 / len(labels))

    def gradients(self, images: Array, labels: Array) -> Array:
        """Gradients of each network's mean loss over the images by its first layer, [n_rows, n_features]."""
        before = self.weights @ images.T
        active = before > 0
        passed = np.where(active, self.outputs[:, None], 0)
        residuals = self.sum_rows(before * passed) - labels
        passed *= np.repeat(residuals, self.widths, axis=0)
        return np.asarray(passed @ images / len(labels))

    def parts(self) -> Iterator["Networks"]:
        """The networks in groups of about a thousand neurons."""
        ends = np.flatnonzero(np.diff(self.starts // _ROWS_AT_ONCE, append=-1)) + 1
        first = 0
        for last in ends.tolist():
            start, end = int(self.starts[first]), int(self.starts[last - 1] + self.widths[last - 1])
            yield Networks(self.weights[start:end], self.outputs[start:end], self.widths[first:last])
            first = last


@dataclass(frozen=True, eq=False)
class Epoch:
    """Networks after one epoch, and statistics of the epoch; arrays [n_networks] unless stated otherwise.

    Attributes:
        networks: after the last step.
        n_steps: number of whole batches; an incomplete last batch is not used.
        deviations: sigma, the root mean over weights of the variance over batches of a batch's mean gradient.
        means: the root mean over weights of the squared mean of these gradients.
        moved: |w_r(t) - w_r(0)| of each neuron, [n_rows].
    """

    networks: Networks
    n_steps: int
    deviations: Array
    means: Array
    moved: Array


def one_epoch(networks: Networks, images: Array, labels: Array, *, batch_size: int, learning_rate: float) -> Epoch:
    """Gradient descent with the mean gradient of each batch, in the given order."""
    n_steps = len(labels) // batch_size
    weights = networks.weights.copy()
    total = np.zeros_like(weights)
    squares = np.zeros(len(weights))
    for step in range(n_steps):
        rows = slice(step * batch_size, (step + 1) * batch_size)
        gradients = replace(networks, weights=weights).gradients(images[rows], labels[rows])
        total += gradients
        squares += np.einsum("rd,rd->r", gradients, gradients)
        gradients *= learning_rate
        weights -= gradients
    n_weights = networks.widths * weights.shape[1]
    means = networks.sum_rows(np.square(total / n_steps).sum(axis=1)) / n_weights
    deviations = np.sqrt(np.maximum(networks.sum_rows(squares / n_steps) / n_weights - means, 0))
    moved = np.linalg.norm(weights - networks.weights, axis=1)
    return Epoch(replace(networks, weights=weights), n_steps, deviations, np.sqrt(means), moved)
