import numpy as np
import pytest
import torch

from benchmarks.inputs.cifar10 import CIFAR10
from benchmarks.inputs.cifar100 import CIFAR100
from harness.errors import OptionError
from harness.inputs import BatchRequest, InputKind, draw_batches, preferred_kind

N_IMAGES = 40


@pytest.fixture
def home(tmp_path):
    """Forty images, each of one intensity that is also its place, with the last digit as label."""
    places = np.arange(N_IMAGES)
    images = np.broadcast_to(places[:, None, None, None], (N_IMAGES, 32, 32, 3)).astype(np.uint8)
    (tmp_path / "real").mkdir()
    np.savez(tmp_path / "real" / "cifar10.npz", images=images, labels=places % 10)
    return tmp_path


def _request(**changes):
    return BatchRequest(**{"n_batches": 2, "batch_size": 8, "seed": 0, **changes})


def _places(batches):
    """Which images were drawn: the first channel's intensity is 255 (x std + mean)."""
    first = torch.cat([batch.images[:, 0, 0, 0] for batch in batches]) * CIFAR10.std[0] + CIFAR10.mean[0]
    return torch.round(first * 255).to(torch.int64).tolist()


def test_images_are_normalised_by_the_data_sets_constants(home):
    # (51 / 255 - 125.3 / 255) / (63 / 255) = (51 - 125.3) / 63 = -1.17937, and so on with (123, 62.1), (113.9, 66.7).
    np.savez(home / "real" / "cifar10.npz", images=np.full((1, 32, 32, 3), 51, np.uint8), labels=np.array([9]))
    (batch,) = draw_batches(CIFAR10, _request(n_batches=1, batch_size=1), home)
    assert batch.images.shape == (1, 3, 32, 32)
    assert batch.images.dtype == torch.float32
    assert batch.images[0, :, 5, 7].tolist() == pytest.approx([-1.179365, -1.159420, -0.943028], abs=1e-6)
    assert batch.targets.tolist() == [9]
    assert batch.targets.dtype == torch.int64


def test_images_are_drawn_without_replacement_and_keep_their_labels(home):
    batches = draw_batches(CIFAR10, _request(n_batches=5), home)
    places = _places(batches)
    assert sorted(places) == list(range(N_IMAGES))
    assert places != sorted(places)
    assert torch.cat([batch.targets for batch in batches]).tolist() == [place % 10 for place in places]


@pytest.mark.parametrize("kind", [InputKind.real, InputKind.noise])
def test_equal_requests_give_equal_bytes_and_other_seeds_others(home, kind):
    one, again = (draw_batches(CIFAR10, _request(kind=kind), home) for _ in range(2))
    assert one.sha256 == again.sha256
    assert all(
        torch.equal(a.images, b.images) and torch.equal(a.targets, b.targets) for a, b in zip(one, again, strict=True)
    )
    assert draw_batches(CIFAR10, _request(kind=kind, seed=1), home).sha256 != one.sha256


@pytest.mark.parametrize("kind", [InputKind.real, InputKind.noise])
def test_more_batches_begin_with_the_same_ones(home, kind):
    few, many = (draw_batches(CIFAR10, _request(kind=kind, n_batches=n), home) for n in (2, 4))
    assert len(many) == 4
    for a, b in zip(few, many, strict=False):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.targets, b.targets)
    assert few.sha256 != many.sha256


def test_the_digest_sees_shapes_and_labels(home):
    digests = {draw_batches(CIFAR10, _request(n_batches=n, batch_size=16 // n), home).sha256 for n in (1, 2, 4)}
    assert len(digests) == 3


def test_nothing_global_is_drawn_from(home):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draw_batches(CIFAR10, _request(), home)
    draw_batches(CIFAR10, _request(kind=InputKind.noise), home)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_needs_no_files_and_depends_on_the_data_set(tmp_path):
    request = _request(kind=InputKind.noise, n_batches=1, batch_size=64)
    (batch,) = noise = draw_batches(CIFAR100, request, tmp_path)
    assert noise.kind is InputKind.noise
    assert batch.images.shape == (64, 3, 32, 32)
    assert batch.images.mean().item() == pytest.approx(0, abs=0.02)  # standard error 1 / sqrt(196,608) = 0.002
    assert batch.images.std().item() == pytest.approx(1, abs=0.02)
    assert batch.targets.max() > 9
    (other,) = draw_batches(CIFAR10, request, tmp_path)
    assert not torch.equal(batch.images, other.images)
    assert batch.targets.max() < 100
    assert other.targets.max() < 10


def test_more_images_than_there_are_is_an_option_error_with_the_numbers(home):
    with pytest.raises(
        OptionError, match=r"3 batches of 20 need 60 images of cifar10, but real/cifar10\.npz .*has 40\."
    ):
        draw_batches(CIFAR10, _request(n_batches=3, batch_size=20), home)


@pytest.mark.parametrize("changes", [{"n_batches": 0}, {"batch_size": -1}])
def test_no_images_at_all_is_an_option_error(changes):
    ((name, value),) = changes.items()
    with pytest.raises(OptionError, match=f"{name}={value} is invalid: it must be at least 1"):
        _request(**changes)


def test_the_image_home_is_the_environments_unless_given(home, monkeypatch):
    monkeypatch.setenv("HARNESS_IMAGES", str(home))
    assert draw_batches(CIFAR10, _request()).sha256 == draw_batches(CIFAR10, _request(), home).sha256


@pytest.mark.parametrize(
    ("asked", "with_images", "without"),
    [
        ("real substitute noise", "real", "noise"),
        ("substitute real", "real", "substitute"),
        ("noise real", "noise", "noise"),
    ],
)
def test_the_first_kind_that_is_here_is_taken(home, asked, with_images, without):
    kinds = [InputKind(word) for word in asked.split()]
    assert preferred_kind(CIFAR10, kinds, home) is InputKind(with_images)
    assert preferred_kind(CIFAR100, kinds, home) is InputKind(without)
