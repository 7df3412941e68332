"""Settings of `nas-harness choose`; conf/choose.yaml documents them."""

from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from harness.cli.config import EvaluationRequest, plain_values, read_request
from harness.cli.reading import read_into
from harness.errors import OptionError

MOST_TRAINED = 2_000
"""More are ranked by an evaluation: `python -m harness`; pairs of them would fill the memory here."""


@dataclass(frozen=True)
class ChooseSettings:
    """What choosing takes besides the settings of an evaluation.

    Raises:
        OptionError: for an invalid value; the message says what is valid.
    """

    k: int = 10
    repeats: int = 10
    score_tables: Path | None = Path("results/scores")
    predictors: tuple[str, ...] | None = None
    simulate: tuple[int, ...] | None = None
    draws: int = 20

    def __post_init__(self) -> None:
        for name, most in (("k", 10_000), ("repeats", 1_000), ("draws", 10_000)):
            if not 1 <= getattr(self, name) <= most:
                raise OptionError(f"{name}={getattr(self, name)} is invalid: it must be 1 to {most:,}.")
        for n in self.simulate or ():
            if not 10 <= n <= MOST_TRAINED:
                raise OptionError(f"simulate={n} is invalid: it must be 10 to {MOST_TRAINED:,} trained architectures.")


@dataclass(frozen=True)
class ChooseRequest:
    """The settings of an evaluation and those of choosing."""

    evaluation: EvaluationRequest
    chosen: ChooseSettings = field(default_factory=ChooseSettings)


def read_choose(config: DictConfig) -> ChooseRequest:
    """What a composed configuration requests.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    own = {name: values[name] for name in ChooseSettings.__dataclass_fields__ if name in values}
    return ChooseRequest(read_request(config), read_into(ChooseSettings, own))
