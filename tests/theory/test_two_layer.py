"""Two-layer networks side by side against autograd, and one epoch against a plain loop."""

import numpy as np
import pytest
import torch

from harness.theory.two_layer import Networks, one_epoch

WIDTHS = np.array([3, 1, 5])


@pytest.fixture
def networks() -> Networks:
    return Networks.drawn(WIDTHS, 4, np.random.default_rng(0), np.array([1.0, 0.5, 2.0]))


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(1)
    return source.standard_normal((24, 4)), source.integers(0, 10, 24).astype(float)


def single(networks: Networks, position: int) -> tuple[np.ndarray, np.ndarray]:
    rows = slice(networks.starts[position], networks.starts[position] + networks.widths[position])
    return networks.weights[rows], networks.outputs[rows]


def test_networks_are_equation_7(networks, batch):
    images, labels = batch
    losses = networks.losses(images, labels)
    for position, width in enumerate(WIDTHS.tolist()):
        weights, outputs = single(networks, position)
        assert set(abs(outputs)) == {1 / np.sqrt(width)}
        predicted = np.array([sum(s * max(w @ x, 0) for w, s in zip(weights, outputs, strict=True)) for x in images])
        np.testing.assert_allclose(networks.predictions(images)[position], predicted)
        assert losses[position] == pytest.approx(((predicted - labels) ** 2).mean() / 2)


def test_gradients_are_those_of_autograd(networks, batch):
    images, labels = (torch.from_numpy(part) for part in batch)
    found = networks.gradients(*batch)
    for position in range(len(networks)):
        weights, outputs = (torch.from_numpy(part) for part in single(networks, position))
        weights.requires_grad_()
        loss = ((torch.relu(images @ weights.T) @ outputs - labels) ** 2).mean() / 2
        (gradient,) = torch.autograd.grad(loss, weights)
        start = networks.starts[position]
        np.testing.assert_allclose(found[start : start + len(weights)], gradient.numpy(), rtol=1e-9, atol=1e-12)


def test_an_epoch_is_a_loop_over_whole_batches(networks, batch):
    images, labels = batch
    epoch = one_epoch(networks, images, labels, batch_size=7, learning_rate=0.05)
    assert epoch.n_steps == 3  # 24 images: three are left over
    current, seen = networks, []
    for step in range(3):
        gradients = current.gradients(images[7 * step : 7 * step + 7], labels[7 * step : 7 * step + 7])
        seen.append(gradients)
        current = Networks(current.weights - 0.05 * gradients, current.outputs, current.widths)
    np.testing.assert_allclose(epoch.networks.weights, current.weights)
    np.testing.assert_allclose(epoch.moved, np.linalg.norm(current.weights - networks.weights, axis=1))
    start = 0
    for position, width in enumerate(WIDTHS.tolist()):
        own = np.array(seen)[:, start : start + width]
        assert epoch.deviations[position] == pytest.approx(np.sqrt(own.var(axis=0).mean()))
        assert epoch.means[position] == pytest.approx(np.sqrt((own.mean(axis=0) ** 2).mean()))
        start += width


def test_parts_are_the_networks_in_order(monkeypatch, batch):
    monkeypatch.setattr("harness.theory.two_layer._ROWS_AT_ONCE", 4)
    whole = Networks.drawn(np.array([3, 1, 5, 2, 2, 9]), 4, np.random.default_rng(2))
    parts = list(whole.parts())
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate([part.widths for part in parts]), whole.widths)
    losses = np.concatenate([part.losses(*batch) for part in parts])
    np.testing.assert_allclose(losses, whole.losses(*batch))
