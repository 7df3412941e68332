"""Which kinds of evidence a network has, tried by the cheapest proxy that asks for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.evidence import EVIDENCE, Subject
from harness.evidence.coverage import Coverage
from harness.proxy import PROXIES, Proxy
from harness.scoring.engine import score_subject
from harness.store import OK, UNDEFINED

PROBES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "activation_correlations": ("rcor", {}),
    "attention_maps": ("head_confidence_coded", {}),
    "block_gradients": ("eznas_a", {"n_images": 4}),
    "cell_features": ("az_trainability", {"n_images": 4}),
    "channel_correlations": ("meco", {}),
    "channel_sensitivities": ("fisher", {}),
    "concatenating_cells": ("nn_degree", {}),
    "feed_forward_features": ("activation_distance", {}),
    "first_batch_gradients": ("grad_norm", {}),
    "hidden_states": ("hidden_covariance", {}),
    "input_gradients": ("jacob_cov", {}),
    "layer_codes": ("tcet_snip", {"n_images": 4}),
    "layer_features": ("near", {"n_images": 4}),
    "layers": ("params", {}),
    "linear_regions_seen": ("linear_regions", {"n_images": 8}),
    "logit_fisher": ("vkdnw_entropy", {"n_images": 2, "noise": False}),
    "named_relu_codes": ("naswot_original", {}),
    "output_sizes": ("zico_bc", {}),
    "parameter_gradients": ("grad_norm_global", {}),
    "per_image_gradients": ("gradsign", {}),
    "private_network": ("latency", {"n_repeats": 1}),
    "private_network_and_images": ("swap", {"n_repeats": 1}),
    "relu_codes": ("naswot", {}),
    "single_images": ("rbflex_area", {}),
    "synflow_gradients": ("logsynflow", {}),
    "synflow_saliency": ("synflow", {}),
    "tangent_kernel": ("ntk_cond", {"n_images": 4}),
    "transformer_parts": ("synaptic_diversity", {}),
    "weight_curvature": ("grasp", {}),
    "weight_gradients": ("zico", {}),
    "weights": ("l2_norm", {}),
}
"""By kind of evidence: a proxy that asks for it, with options that make it cheap."""


@dataclass(frozen=True)
class KindFound:
    """What one kind of evidence is for a network: whether it is defined, how much it saw, or why it is not defined."""

    kind: str
    status: str
    coverage: Coverage | None
    reason: str


def kinds_of(subject: Subject) -> list[KindFound]:
    """Every kind of evidence of the project on one network, in alphabetical order."""
    names = [kind for kind in EVIDENCE if kind in PROBES]
    probes: dict[str, Proxy] = {}
    for kind in names:
        proxy, options = PROBES[kind]
        size = {"size": subject.context.data_set.shape[-1]} if proxy == "meco" else {}
        probes[kind] = PROXIES.get(proxy)(**{**options, **size})
    # One at a time: where memory is short, less is held at once, and a failure is the kind's own.
    found = []
    for kind, probe in probes.items():
        score = score_subject(subject, {PROBES[kind][0]: probe})[PROBES[kind][0]]
        coverage = Coverage.parse(score.reason) if score.status == OK else None
        # A value that is not a number comes from the proxy's formula; its evidence is there.
        status = OK if score.components and score.status not in (OK, UNDEFINED) else score.status
        found.append(KindFound(kind, status, coverage, "" if status == OK else score.reason))
    return found
