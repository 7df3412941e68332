"""A function of somebody's code as a proxy: `proxy=their_file.py:compute_x`, which runs as it is.

It gets a network and batches of its own and shares nothing; what it leaves changed in the process is put back by the
guard, as for every plug-in. The network executes every operation, dead ones too, as the authors' networks do.
"""

import dataclasses
import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pandas as pd
from torch import Tensor, nn

from harness.errors import HarnessError, MissingDataError, OptionError
from harness.evidence import PrivateNetworkAndImages
from harness.plug_in_code import module_of
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from harness.scoring.authors_call import Lent, Parameter, amount, call, understood
from harness.scoring.sources import root_of

_WORD = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")
_COMPONENT = "component"
_WITH_FEATURES = "with_features"
_NORMALISATION = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def split_word(word: str) -> tuple[str, str] | None:
    """File and function of `their_file.py:compute_x`; None for another word."""
    found = _WORD.fullmatch(word)
    return (found["file"], found["name"]) if found else None


class AuthorsFunction(Proxy):
    """What a function of somebody's code returns for a network of its own; its options are the function's defaults.

    `component` chooses one where the function returns several numbers by name. With `with_features` the network returns
    (features, logits), as the official networks of NAS-Bench-201 do.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    function: ClassVar[Callable[..., Any]]
    parameters: ClassVar[tuple[Parameter, ...]]
    with_normalisation: ClassVar[bool] = True
    """False where its package declares that it takes networks without batch normalisation."""
    folder: ClassVar[str]

    def measure(self, private: PrivateNetworkAndImages) -> float | dict[str, float]:
        """The amount of what the function returns."""
        return amount(self.run(self.lent(private)))

    def lent(self, private: PrivateNetworkAndImages) -> Lent:
        """What the function is given: a new network, copies of the batches."""
        network = private.network(training=private.in_train_mode)
        for parameter in network.parameters():  # code that was written elsewhere may call .view on them
            parameter.data = parameter.data.contiguous()
        if not self.with_normalisation:
            _leave_out_normalisation(network)
        if getattr(self, _WITH_FEATURES):
            _return_features(network)
        return Lent(network, private.batches(), private.loss, private.device, private.n_classes)

    def run(self, lent: Lent) -> Any:
        """What the function returns."""
        options = {one.name: getattr(self, one.name) for one in self.parameters if one.role is None}
        with _importing_from(self.folder):
            return call(type(self).function, self.parameters, options, lent)

    def combine(self, table: pd.DataFrame) -> "pd.Series[float]":
        """The only component, or the one that is chosen.

        Raises:
            OptionError: if there are several and none is chosen, or one that there is not.
        """
        chosen = str(getattr(self, _COMPONENT))
        if chosen in table.columns:
            return table[chosen]
        if chosen or len(table.columns) != 1:
            raise OptionError(
                f"{type(self).__name__} returns {', '.join(map(str, table.columns))}; choose one of them: "
                f"+options.{type(self).__name__}.{_COMPONENT}=NAME."
            )
        return table.iloc[:, 0]


@cache
def load_function(file: str, name: str) -> str:
    """Import a file, register one of its functions as a proxy, and return the proxy's name; once per process.

    Raises:
        MissingDataError: if there is no such file.
        HarnessError: if it does not import, has no such function, or one whose parameters are not understood.
    """
    path = Path(file)
    if not path.is_file():
        raise MissingDataError(
            f"There is no file '{file}'; proxy= takes a registered name, FILE.py or FILE.py:FUNCTION."
        )
    folder, _ = root_of(path)
    module = _imported(path)
    declared = _declared(module, name)
    function = declared.get("func", getattr(module, name, None))
    if not callable(function) or isinstance(function, type):
        own = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        known = sorted(key for key in own if callable(getattr(module, key)))
        raise HarnessError(f"'{file}' has no function '{name}'; it defines {', '.join(known) or 'none'}.")
    parameters = understood(function, f"{path.name}:{name}", declared.get("impl_args", {}))
    called = re.sub(r"\W", "_", f"{path.stem}_{name}")
    options = [
        (one.name, type(one.default), dataclasses.field(default=one.default)) for one in parameters if not one.role
    ]
    kind = dataclasses.make_dataclass(
        called,
        [*options, (_COMPONENT, str, _field("")), (_WITH_FEATURES, bool, _field(False))],
        bases=(AuthorsFunction,),
        namespace={
            "__doc__": f"{name} of {path.name}, as it is.",
            "function": staticmethod(function),
            "parameters": parameters,
            "with_normalisation": bool(declared.get("bn", True)),
            "folder": str(folder),
        },
        frozen=True,
    )
    kind.__module__ = f"proxy_function_{hashlib.sha256(file.encode()).hexdigest()[:12]}"
    PROXIES.register(called)(kind)
    return called


def _field(default: object) -> Any:
    return dataclasses.field(default=default)


def is_authors(proxy: type[Proxy]) -> bool:
    """Whether a proxy is a function of somebody's code."""
    return issubclass(proxy, AuthorsFunction)


def _imported(path: Path) -> ModuleType:
    """The module of a file: within its package, if it is part of one, so that its relative imports work."""
    folder, name = root_of(path)
    in_package = "." in name
    unique = f"proxy_function_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    try:
        with _importing_from(str(folder)):
            if in_package:
                module = importlib.import_module(name)
                if Path(str(module.__file__)).resolve() != path.resolve():
                    raise HarnessError(
                        f"'{path}' would be imported as {name}, which is already {module.__file__}; rename its package."
                    )
                return module
            return module_of(unique, path)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        raise HarnessError(f"'{path}' does not import: {type(error).__name__}: {error}.") from error


@contextmanager
def _importing_from(folder: str) -> Iterator[None]:
    """Python looks into a folder first, as it does for a script there."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _declared(module: ModuleType, name: str) -> Mapping[str, Any]:
    """What a decorator of zero-cost-nas' kind, `@measure("snip", bn=True, mode="param")`, declares of a function.

    Its package keeps the functions in a dict `_measure_impls`, by the measure's name: that name will do as well. Of
    several measures of one function the one that is called as the file counts, otherwise the first.

    Returns:
        `func`, `bn` and `impl_args` as the decorator has them; empty where there is none.
    """
    package = sys.modules.get(module.__name__.rpartition(".")[0])
    known = getattr(package, "_measure_impls", None) or getattr(module, "_measure_impls", None)
    if not isinstance(known, dict):
        return {}
    wanted = getattr(module, name, None)
    found = {}
    for measure, made in known.items():
        cells = dict(
            zip(getattr(getattr(made, "__code__", None), "co_freevars", ()), made.__closure__ or (), strict=False)
        )
        held = {key: cell.cell_contents for key, cell in cells.items()}
        if "func" in held and (measure == name or held["func"] is wanted):
            found[measure] = held
    stem = module.__name__.rpartition(".")[2]
    return next((found[key] for key in (name, stem) if key in found), next(iter(found.values()), {}))


def _leave_out_normalisation(network: nn.Module) -> None:
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, _NORMALISATION):
                setattr(module, name, nn.Identity())


def _return_features(network: nn.Module) -> None:
    """Have a network return the input of its last linear layer beside its output.

    Raises:
        Undefined: if it has no linear layer.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise Undefined("the network has no linear layer whose input would be its features")
    plain, last = network.forward, linear[-1]

    def forward(images: Tensor) -> tuple[Tensor, Tensor]:
        seen: list[Tensor] = []
        handle = last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        try:
            logits = plain(images)
        finally:
            handle.remove()
        return seen[-1], logits

    network.forward = forward
