"""Tokens: GLUE's random ones with the losses that NAS-Bench-BERT leaves open, and tokens of one's own."""

import math

import numpy as np
import pytest
import torch

from benchmarks.inputs.glue import IGNORED, MASK, VOCABULARY
from harness.errors import MissingDataError, OptionError
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches, open_data_set
from harness.space import BENCHMARKS, Architecture, refuse_unfit

GLUE = DATA_SETS.get("glue")
MEASURED = BENCHMARKS.get("nasbench_bert")
SMALL = Architecture("128|LT-DFT:2:512x1|LT-DCT:4:512x3")


def test_the_usual_loss_is_constant_and_said_to_be():
    """The sum over a fresh normalisation is 0 to rounding, and so are the gradients of weights before it."""
    (batch,) = draw_batches(GLUE, BatchRequest(InputKind.noise, n_batches=1, batch_size=2))
    for space in map(BENCHMARKS.get, ("nasbench_bert", "nasbench_bert_declared")):
        network = space.network(SMALL, GLUE).double().eval()
        outputs = network(batch.images)
        loss = GLUE.loss(outputs, batch.targets)
        torch.testing.assert_close(loss, outputs.sum() / 2, rtol=0, atol=1e-12)
        assert abs(loss.item()) < 1e-9 * outputs.abs().sum().item()
        weight = network.body.layers[1].feed_forward[-1].weight
        (slope,) = torch.autograd.grad(loss, weight)
        assert slope.abs().max() < 1e-10
    assert GLUE.caution.startswith("dataset=glue: the loss is the sum over the output of a normalisation, which is con")


def test_masked_language_modelling_has_a_head_masks_and_gradients():
    data_set = open_data_set("glue", loss="masked_language_modelling")
    (batch,) = draw_batches(data_set, BatchRequest(InputKind.noise, n_batches=1, batch_size=2))
    network = MEASURED.network(SMALL, data_set)
    outputs = network(batch.images)
    assert outputs.shape == (2, 128, VOCABULARY)
    assert ((batch.targets == IGNORED) == (batch.images != MASK)).all()
    assert 0.05 < (batch.images == MASK).float().mean() < 0.25
    loss = data_set.loss(outputs, batch.targets)
    assert loss.item() == pytest.approx(math.log(VOCABULARY), rel=0.02)  # fresh weights know nothing
    (slope,) = torch.autograd.grad(loss, network.body.layers[0].feed_forward[0].weight)
    assert slope.norm() > 1e-4
    assert data_set.key == "glue, masked_language_modelling" != GLUE.key
    assert not data_set.caution
    assert MEASURED.params(SMALL, data_set) == MEASURED.params(SMALL, GLUE)


def test_other_losses_and_real_tokens_are_refused_with_what_works(tmp_path):
    with pytest.raises(
        OptionError, match=r"loss=mse is invalid for dataset=glue: it must be output_sum or masked_language_modelling\."
    ):
        open_data_set("glue", loss="mse")
    with pytest.raises(OptionError, match=r"loss=output_sum is for data of your own; dataset=cifar10 has"):
        open_data_set("cifar10", loss="output_sum")
    with pytest.raises(MissingDataError, match=r"no real inputs of glue\. Give tokens of your own .* inputs=noise"):
        GLUE.read(InputKind.real, tmp_path)


def test_noise_is_said_to_be_random_tokens():
    drawn = draw_batches(GLUE, BatchRequest(InputKind.noise, n_batches=1, batch_size=2))
    assert drawn.source == "random tokens from 0 to 30,521, no text; random targets, seed 0"
    tokens = drawn.batches[0].images
    assert torch.equal(tokens, tokens.round())
    assert tokens.shape == (2, 128)
    assert (tokens.min() >= 0) & (tokens.max() < VOCABULARY)


def saved(tmp_path, tokens, **more):
    path = tmp_path / "tokens.npz"
    np.savez(path, tokens=tokens, **more)
    return str(path)


@pytest.mark.parametrize("loss", ["output_sum", "masked_language_modelling"])
def test_tokens_of_ones_own_are_scored(tmp_path, loss):
    tokens = np.random.default_rng(0).integers(0, 999, (6, 20))
    data_set = open_data_set(saved(tmp_path, tokens, targets=tokens), loss=loss)
    refuse_unfit(MEASURED, data_set)
    (batch,) = draw_batches(data_set, BatchRequest(InputKind.real, n_batches=1, batch_size=2))
    outputs = MEASURED.network(SMALL, data_set)(batch.images)
    assert outputs.shape == (2, 20, 256 if loss == "output_sum" else VOCABULARY)
    assert torch.isfinite(data_set.loss(outputs, batch.targets))
    assert MEASURED.flops(SMALL, data_set) < MEASURED.flops(SMALL, GLUE)


@pytest.mark.parametrize(
    ("tokens", "loss", "sentence"),
    [
        (np.full((4, 8), 30_522), "output_sum", "its networks know 30,522 tokens, and the data has 30,523"),
        (
            np.zeros((4, 513), int),
            "output_sum",
            "its networks take at most 512 tokens, and a sequence of the data has",
        ),
        (np.zeros((4, 8), int), None, "its networks have no head for loss=next_token; use loss=output_sum"),
    ],
)
def test_tokens_that_do_not_fit_are_refused_in_one_sentence(tmp_path, tokens, loss, sentence):
    data_set = open_data_set(saved(tmp_path, tokens), loss=loss)
    with pytest.raises(OptionError, match=f"dataset=tokens.npz is invalid for nasbench_bert, because {sentence}"):
        refuse_unfit(MEASURED, data_set)


def test_images_are_refused(tmp_path):
    path = tmp_path / "images.npz"
    np.savez(path, images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.zeros(4, int))
    with pytest.raises(OptionError, match="because its networks take one sequence of tokens, and neither images nor"):
        refuse_unfit(MEASURED, open_data_set(str(path)))
