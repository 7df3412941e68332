"""Score training-free NAS proxies on NAS benchmarks: `from harness import evaluate`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.errors import HarnessError as HarnessError
    from harness.evaluate import Evaluation as Evaluation
    from harness.evaluate import evaluate as evaluate
    from harness.settings import Settings as Settings

_HOMES = {
    "Evaluation": "harness.evaluate",
    "HarnessError": "harness.errors",
    "Settings": "harness.settings",
    "evaluate": "harness.evaluate",
}


def __getattr__(name: str) -> object:
    """The public names, imported when first asked for: plug-ins import `harness.proxy` without the whole pipeline."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
