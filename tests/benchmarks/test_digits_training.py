"""The embedded benchmark's trainer: the same function as the plain networks, deterministic, resumable."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.digits import collect as collecting
from benchmarks.nats_tss.digits import train as command
from benchmarks.nats_tss.digits.distortion import distort, held_out_copies, training_stream
from benchmarks.nats_tss.digits.fit import SPACE, DigitsRun, Trainer
from benchmarks.nats_tss.digits.grouped import GroupedNetwork
from benchmarks.nats_tss.digits.outcomes import OutcomeFolder
from benchmarks.nats_tss.digits.recipe import Recipe, held_out_images, training_images
from harness.errors import HarnessError, MissingDataError, OptionError, StoreError
from harness.space import Architecture
from harness.truth.table import TableFile

TINY = dataclasses.replace(Recipe(), n_steps=5, batch_size=16, n_test_copies=1)
CELLS = {
    "all kinds": "|avg_pool_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",
    "all 3x3": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "dead edges": "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|",
    "two skips": "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|",
    "no live path": "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|",
}
ARCHS = [Architecture(arch) for arch in CELLS.values()]
each_cell = pytest.mark.parametrize("arch", ARCHS, ids=list(CELLS))


def plain_networks(arch: Architecture) -> list[nn.Module]:
    return [SPACE.network(arch, DIGITS, seed=seed) for seed in (3, 4, 5)]


def grouped(arch: Architecture, networks: list[nn.Module]) -> GroupedNetwork:
    return GroupedNetwork(SPACE.cell(arch), Recipe().cells_per_stage, networks)


def one_by_one(networks: list[nn.Module], images: Tensor) -> Tensor:
    return torch.stack([network(images[:, [position]]) for position, network in enumerate(networks)])


@pytest.fixture
def images() -> Tensor:
    """[batch, network, height, width]."""
    return torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@each_cell
def test_grouped_network_computes_what_the_plain_networks_compute(arch: Architecture, images: Tensor) -> None:
    networks = plain_networks(arch)
    together = grouped(arch, networks)
    for _ in range(3):
        in_training = together.logits(together.flat, images, training=True)
        torch.testing.assert_close(in_training, one_by_one(networks, images), rtol=1e-4, atol=1e-5)
    in_test = together.logits(together.flat, images, training=False)
    plain_in_test = one_by_one([network.eval() for network in networks], images)
    torch.testing.assert_close(in_test, plain_in_test, rtol=1e-4, atol=1e-5)


@each_cell
def test_grouped_gradients_are_the_plain_gradients(arch: Architecture, images: Tensor) -> None:
    labels = torch.arange(32) % 10
    networks = plain_networks(arch)
    together = grouped(arch, networks)
    flat = together.flat.clone().requires_grad_()
    logits = together.logits(flat, images, training=True)
    loss = F.cross_entropy(logits.flatten(0, 1), labels.repeat(3), reduction="sum") / len(labels)
    gradients = together.parameters(torch.autograd.grad(loss, flat)[0])
    for position, network in enumerate(networks):
        plain_loss = F.cross_entropy(network(images[:, [position]]), labels)
        named = [(name, value) for name, value in network.named_parameters() if name in gradients]
        plain = torch.autograd.grad(plain_loss, [value for _, value in named], materialize_grads=True)
        for (name, _), expected in zip(named, plain, strict=True):
            torch.testing.assert_close(gradients[name][position], expected, rtol=1e-3, atol=1e-5)


def test_an_outcome_does_not_depend_on_what_was_trained_before() -> None:
    first, second = ARCHS[:2]
    trainer = Trainer(TINY)
    trainer.fit(second)
    assert trainer.fit(first).test_accuracies == Trainer(TINY).fit(first).test_accuracies


def test_a_seed_sees_the_same_batches_and_weights_with_and_without_the_other_seeds() -> None:
    alone = dataclasses.replace(TINY, seeds=(1,))
    assert torch.equal(training_stream(alone).images[:, :, 0], training_stream(TINY).images[:, :, 1])
    weights = [Trainer(recipe).initial_network(ARCHS[0]) for recipe in (TINY, alone)]
    together, single = (network.parameters(network.flat)["classifier.weight"] for network in weights)
    assert torch.equal(together[1], single[0])


def test_the_split_uses_every_digit_once() -> None:
    everything = torch.cat([training_images().images, held_out_images().images]).flatten(1)
    known = torch.from_numpy(load_digits().images).flatten(1) / 16
    assert (len(training_images()), len(held_out_images())) == (897, 900)
    order, expected = (np.lexsort(images.numpy().round(2).T) for images in (everything, known))
    torch.testing.assert_close(
        everything[order].double(), known[expected], rtol=0, atol=0.51 / 255
    )  # intensities are rounded to 255ths


def test_no_training_batch_holds_a_test_image() -> None:
    recipe = dataclasses.replace(TINY, max_shift_pixels=0.0, max_rotation_degrees=0.0, max_log_scale=0.0, n_steps=200)
    seen = {image.numpy().round(4).tobytes() for image in training_stream(recipe).images.reshape(-1, 64)}
    held_out = {image.numpy().round(4).tobytes() for image in held_out_copies(recipe).images.reshape(-1, 64)}
    assert not seen & held_out


def test_without_bounds_a_distortion_only_normalises() -> None:
    still = dataclasses.replace(TINY, max_shift_pixels=0.0, max_rotation_degrees=0.0, max_log_scale=0.0)
    digits = training_images().images[:10]
    moved = distort(digits, still, torch.Generator().manual_seed(0))
    torch.testing.assert_close(moved, (digits - DIGITS.mean[0]) / DIGITS.std[0])


def test_the_learning_rate_peaks_where_the_warm_up_ends() -> None:
    recipe = dataclasses.replace(Recipe(), n_steps=10, warmup_fraction=0.25, peak_learning_rate=1.0)
    # Steps are taken at 0.05, 0.15, 0.25 ... of the schedule: 0.05 / 0.25, then the peak, at last 0.05 / 0.75.
    assert recipe.learning_rate(0) == pytest.approx(0.2)
    assert recipe.learning_rate(2) == pytest.approx(1.0)
    assert recipe.learning_rate(9) == pytest.approx(0.05 / 0.75)


def test_a_recipe_for_another_network_is_refused() -> None:
    with pytest.raises(OptionError, match=r"Skeleton\(channels=16, cells_per_stage=1\) is not the digits network"):
        Recipe(channels=16)


@pytest.mark.long
def test_a_stopped_run_resumes_and_collects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Recipe", lambda: TINY)
    out = tmp_path / "run"
    assert command.main(["--out", str(out), "--workers", "1", "--limit", "2"]) == 0
    lines = (out / "outcomes.jsonl").read_text()
    assert lines.count("\n") == 2
    (out / "outcomes.jsonl").write_text(lines + '{"arch": "|none~0')  # killed while writing
    assert command.main(["--out", str(out), "--workers", "1", "--limit", "3"]) == 0
    resumed = (out / "outcomes.jsonl").read_text()
    assert resumed.startswith(lines)
    assert resumed.count("\n") == 3
    expected = {outcome.arch: outcome for outcome in map(Trainer(TINY).fit, command.choose(None, 3))}
    for arch, outcome in OutcomeFolder(out, TINY).read().items():
        assert outcome.test_accuracies == pytest.approx(expected[arch].test_accuracies)
    with pytest.raises(MissingDataError, match="lacks 5,422 of 5,425 networks"):
        collecting.collect(out, tmp_path / "truth.parquet", TINY)


def test_the_truth_gives_every_architecture_its_class_result(tmp_path: Path) -> None:
    store = OutcomeFolder(tmp_path / "run", TINY)
    classes = command.choose(None, None)
    with store.locked("made up"):
        for position, arch in enumerate(classes):
            store.append(DigitsRun(arch, (position / 100, position / 100 + 1, position / 100 + 2), 1.5))
    target = tmp_path / "truth.parquet"
    collecting.collect(tmp_path / "run", target, TINY)
    assert target.stat().st_size < 1_000_000
    table = TableFile(target, "train again", embedded=True)
    expected = [classes.index(SPACE.canonical(arch)) / 100 + 1 for arch in SPACE.architectures]
    np.testing.assert_allclose(table.values(SPACE.architectures, "digits/test"), expected)
    np.testing.assert_allclose(table.values(SPACE.architectures, "digits/test_seed2"), np.array(expected) + 1)
    provenance = json.loads(table.origin)
    assert provenance["recipe"] == TINY.as_json()
    assert provenance["cpu_s"] == round(1.5 * 5425)


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    with OutcomeFolder(tmp_path, TINY).locked("first"):
        pass
    with pytest.raises(StoreError, match="another recipe"), OutcomeFolder(tmp_path, Recipe()).locked("second"):
        pass


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    with (
        OutcomeFolder(tmp_path, TINY).locked("first"),
        pytest.raises(StoreError, match="Another run"),
        OutcomeFolder(tmp_path, TINY).locked("second"),
    ):
        pass


def test_a_users_mistake_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--out", str(tmp_path), "--cells", str(tmp_path / "none.txt")]) == 2
    assert "There is no file" in capsys.readouterr().err
    with pytest.raises(HarnessError, match="--limit 0"):
        command.choose(None, 0)
