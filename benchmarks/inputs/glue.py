"""GLUE: nine tasks of understanding sentences. Wang et al., ICLR 2019, arXiv:1804.07461.

What a benchmark states of GLUE are the scores of fine-tuned networks; the networks that are scored here read sequences
of tokens as in pre-training, by the uncased vocabulary of BERT. No text is fetched: inputs are random tokens, or an npz
file of one's own.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from harness.errors import MissingDataError, OptionError
from harness.inputs import DATA_SETS, LOSSES, MASKED, OUTPUT_SUM, DataSet, Images, InputKind, InputPart

VOCABULARY = 30_522
LONGEST = 512
"""Positions that an encoder has."""
LENGTH = 128
"""Tokens of a sequence, as in the authors' pre-training."""
MASK = 103
"""The token that stands in the place of a masked one."""
MASKED_SHARE = 0.15
IGNORED = -100
CHOICES = (OUTPUT_SUM, MASKED)


@dataclass(frozen=True)
class Glue(DataSet):
    """Sequences of tokens. The tasks' heads are not published, so the loss is chosen: `loss`, one of two.

    `output_sum` is the sum of the last hidden state, as in the authors' scores: no head, no targets. With
    `masked_language_modelling` networks have a head, 15 % of the tokens are replaced by the mask, and random tokens are
    to be found there.
    """

    criterion: str = field(default=OUTPUT_SUM, kw_only=True)

    @property
    def key(self) -> str:
        """The name, with the loss if it is not the usual one."""
        return self.name if self.criterion == OUTPUT_SUM else f"{self.name}, {self.criterion}"

    @property
    def n_tokens(self) -> int:
        """The size of the vocabulary."""
        return VOCABULARY

    @property
    def loss_label(self) -> str:
        """The loss that was chosen."""
        return self.criterion

    @property
    def caution(self) -> str:
        """That gradients of the usual loss are no evidence."""
        if self.criterion != OUTPUT_SUM:
            return ""
        return (
            f"dataset={self.name}: the loss is the sum over the output of a normalisation, which is constant, so that "
            "scores made of its gradients are rounding noise, as published ones are; "
            f"use loss={MASKED} for gradients that mean something"
        )

    def with_loss(self, word: str) -> DataSet:
        """The same tokens with one of the two losses.

        Raises:
            OptionError: for any other one.
        """
        if word not in CHOICES:
            raise OptionError(f"loss={word} is invalid for dataset={self.name}: it must be {' or '.join(CHOICES)}.")
        return replace(self, criterion=word)

    def present(self, home: Path) -> dict[InputKind, Path]:
        """Nothing: there are no files."""
        return {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """Nothing.

        Raises:
            MissingDataError: always, saying what to use.
        """
        raise MissingDataError(
            f"There are no {kind.value} inputs of {self.name}. {self.how_to_get}, or use inputs=noise."
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss that was chosen, of hidden states [batch, length, hidden] or logits [batch, length, tokens]."""
        return LOSSES[self.criterion](outputs, targets)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Random tokens [n, length]."""
        return torch.randint(VOCABULARY, (n, *self.shape), generator=source)

    def noise_images(self, n: int, source: torch.Generator) -> Tensor:
        """Random tokens [n, length], uniform over the vocabulary, with masks among them if the loss is of these."""
        tokens = super().noise_images(n, source)
        if self.criterion == MASKED:
            tokens[torch.rand(tokens.shape, generator=source) < MASKED_SHARE] = MASK
        return tokens

    @property
    def noise_words(self) -> str:
        """What noise consists of."""
        if self.criterion != MASKED:
            return super().noise_words
        share = f"{MASKED_SHARE:.0%} of them masked, random tokens to be found there"
        return f"random tokens from 0 to {VOCABULARY - 1:,}, no text; {share}"

    def noise_targets(self, images: Tensor, source: torch.Generator) -> Tensor:
        """Random tokens where the input has a mask, -100 elsewhere; for the other loss random tokens, never read."""
        targets = self.random_targets(len(images), source)
        return targets.where(images == MASK, torch.tensor(IGNORED)) if self.criterion == MASKED else targets


GLUE = Glue(
    name="glue",
    n_classes=VOCABULARY,
    shape=(LENGTH,),
    mean=(),
    std=(),
    parts=(InputPart("", (LENGTH,), is_index=True),),
    licence="none: random tokens",
    how_to_get=(
        "Give tokens of your own (int64 [n, length], 0 to 30,521: the uncased vocabulary of BERT) as "
        "dataset=tokens.npz with loss=output_sum"
    ),
)

DATA_SETS.register(GLUE.name)(GLUE)
