"""Settings of `nas-harness predict`; conf/predict.yaml documents them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from harness.cli.config import EvaluationRequest, plain_values, read_request
from harness.cli.reading import Source, read_into
from harness.errors import OptionError
from harness.predictors import PREDICTORS, Predictor

EXHAUSTIVE, SHGO = "exhaustive", "shgo"
_FEWEST, _MOST = 4, 2_000


@dataclass(frozen=True)
class Model:
    """A predictor and the features that it is fitted to."""

    predictor: str
    features: str

    @property
    def name(self) -> str:
        """As the command line writes it."""
        return f"{self.predictor}:{self.features}"

    def make(self) -> Predictor:
        """The predictor with default options."""
        return PREDICTORS.get(self.predictor)()

    @classmethod
    def read(cls, word: str) -> "Model":
        """The model of a word.

        Raises:
            OptionError: if it is no PREDICTOR:FEATURES.
            UnknownNameError: for a predictor that there is not.
        """
        predictor, colon, features = word.partition(":")
        if not (predictor and colon and features):
            raise OptionError(f"models={word} is invalid: it must be PREDICTOR:FEATURES, such as models=ridge:graf.")
        PREDICTORS.get(predictor)
        return cls(predictor, features)


@dataclass(frozen=True)
class PredictSettings:
    """What predicting takes besides the settings of an evaluation.

    Attributes:
        n: numbers of trained networks.
        draws: of each number.
        models: words PREDICTOR:FEATURES; None: those that suit the space.
        search: how the best predicted network is found: "exhaustive", "shgo", or both.
        budget: upper limits of the choice, by name of a count or of a column of truth where lower is better.
        score_tables: folder of stored scores.

    Raises:
        OptionError: for an invalid value; the message says what is valid.
    """

    n: tuple[int, ...] = (10, 25, 50, 100, 200)
    draws: int = 20
    models: tuple[str, ...] | None = None
    search: tuple[str, ...] = (EXHAUSTIVE,)
    budget: Mapping[str, float] = field(default_factory=dict)
    score_tables: Path | None = Path("results/scores")

    def __post_init__(self) -> None:
        for n in self.n:
            if not _FEWEST <= n <= _MOST:
                raise OptionError(f"n={n} is invalid: it must be {_FEWEST} to {_MOST:,} trained networks.")
        if not 1 <= self.draws <= 1_000:
            raise OptionError(f"draws={self.draws} is invalid: it must be 1 to 1,000.")
        for word in self.search:
            if word not in (EXHAUSTIVE, SHGO):
                raise OptionError(f"search={word} is invalid: it must be {EXHAUSTIVE}, {SHGO}, or both in a list.")
        for name, limit in self.budget.items():
            if not limit > 0:
                raise OptionError(f"budget.{name}={limit:g} is invalid: it must be above 0.")
        for word in self.models or ():
            Model.read(word)


@dataclass(frozen=True)
class PredictRequest:
    """The settings of an evaluation and those of predicting."""

    evaluation: EvaluationRequest
    predicted: PredictSettings = field(default_factory=PredictSettings)


def read_predict(config: DictConfig) -> PredictRequest:
    """What a composed configuration requests.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    own = {name: values[name] for name in PredictSettings.__dataclass_fields__ if name in values}
    return PredictRequest(read_request(config), read_into(PredictSettings, own, Source()))
