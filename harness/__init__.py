"""Score training-free NAS proxies on NAS benchmarks: `from harness import evaluate`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.errors import HarnessError as HarnessError
    from harness.evaluation import Evaluation as Evaluation
    from harness.evaluation import evaluate as evaluate
    from harness.settings import Settings as Settings

_HOMES = {
    "Evaluation": "harness.evaluation",
    "HarnessError": "harness.errors",
    "Settings": "harness.settings",
    "evaluate": "harness.evaluation",
}


def __getattr__(name: str) -> object:
    """The public names, imported when first requested: plug-ins import `harness.proxy` without the whole pipeline."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
