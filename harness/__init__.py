"""Score training-free NAS proxies on NAS benchmarks, or on networks of your own.

    from harness import evaluate, evaluate_models

    evaluate("zico", bench="nats_tss", dataset="digits")
    models, accuracies = {"a": build_a, "b": module_b}, {"a": 91.2, "b": 93.0}
    evaluate_models(models, accuracies=accuracies, inputs=(images, labels), proxy="zico")

Both return an `Evaluation`, whose `agreement` and `scores` are data frames.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.errors import HarnessError as HarnessError
    from harness.evaluation import Evaluation as Evaluation
    from harness.evaluation import evaluate as evaluate
    from harness.evaluation import evaluate_models as evaluate_models
    from harness.settings import Settings as Settings

_HOMES = {
    "Evaluation": "harness.evaluation",
    "HarnessError": "harness.errors",
    "Settings": "harness.settings",
    "evaluate": "harness.evaluation",
    "evaluate_models": "harness.evaluation",
}


def __getattr__(name: str) -> object:
    """The public names, imported when first requested: plug-ins import `harness.proxy` without the whole pipeline."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
