"""Codes of layers times the signal-to-noise ratio of their saliencies, shared by the variants of T-CET."""

import math
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from harness.errors import OptionError
from harness.evidence import LayerCodes
from harness.proxy import Proxy, Undefined

MODES = ("none", "log", "log1p", "norm")


def check(proxy: Proxy, mode: str, n_images: int) -> None:
    """Refuse options that cannot work.

    Raises:
        OptionError: naming the option and its value.
    """
    name = type(proxy).__name__
    if mode not in MODES:
        raise OptionError(f"{name} with mode={mode} is invalid: it must be one of {', '.join(MODES)}.")
    if not n_images > 1:
        raise OptionError(f"{name} with n_images={n_images} is invalid: it compares images and needs two.")


def expressivity(codes: LayerCodes, saliencies: Mapping[str, Tensor], mode: str, n_images: int) -> float:
    """Sum over the runs of layers, paired by name, of log|det K| f(sum S / std S); see `proxies/tcet.py`.

    Raises:
        Undefined: for one image, and if no layer with a saliency has a kernel that is not singular.
    """
    if len(codes.images(n_images)) < 2:
        raise Undefined("the kernel of one image is the number of a layer's units")
    ratios: dict[str, float] = {}
    for name, values in saliencies.items():
        total = float(values.double().sum())
        deviation = float(values.double().std()) if values.numel() > 1 else 0.0
        ratios[name] = total / deviation if deviation > 0 else total
    factors = _factors(ratios, mode)
    determinants = [(code.name, code.log_determinant) for code in codes.layers(n_images, training=False)]
    terms = [factors[name] * one for name, one in determinants if name in factors and math.isfinite(one)]
    if not terms:
        raise Undefined("no layer that has a saliency tells all images apart")
    return math.fsum(terms)


def _factors(ratios: dict[str, float], mode: str) -> dict[str, float]:
    if mode == "norm":
        deviation = float(np.std(list(ratios.values()))) if ratios else 0.0
        return {name: ratio / deviation if deviation > 0 else ratio for name, ratio in ratios.items()}
    if mode == "log":
        return {name: math.log(ratio) if ratio > 0 else 0.0 for name, ratio in ratios.items()}
    return {name: math.log1p(ratio) for name, ratio in ratios.items()} if mode == "log1p" else ratios
