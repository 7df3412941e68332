"""Stability studies: the same proxies and architectures with varied batches, initialisations, inputs or protocols."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import correlations
from harness.errors import OptionError
from harness.evaluation import Evaluation
from harness.inputs import InputKind
from harness.lens.bias import names_of
from harness.protocol import Protocol
from harness.settings import Settings
from harness.space.initialise import Initialisation

PROTOCOLS = "protocols"
STUDIES = ("batches", "init", "inputs", PROTOCOLS)
BATCH_SIZES = (16, 32, 64, 128)
N_BATCHES = (2, 4, 8)


@dataclass(frozen=True)
class Variant:
    """One variant of a study; `name` is its folder and label."""

    name: str
    settings: Settings


def variants(study: str, settings: Settings, protocols: Sequence[Protocol] = ()) -> list[Variant]:
    """The variants of a study, starting with the given settings, the reference.

    `batches` varies the batch size at the given number of batches, and the number at the given size; `init` uses every
    initialisation, `inputs` every kind of inputs, `protocols` each of the protocols that differs from the given one.

    Raises:
        OptionError: no protocol differs.
    """
    protocol = settings.protocol
    reference = Variant("as_given", settings)
    if study == "batches":
        others = [replace(protocol, batch_size=size) for size in BATCH_SIZES if size != protocol.batch_size]
        others += [replace(protocol, n_batches=number) for number in N_BATCHES if number != protocol.n_batches]
        return [
            reference,
            *(Variant(f"{one.n_batches}x{one.batch_size}", replace(settings, protocol=one)) for one in others),
        ]
    if study == PROTOCOLS:
        differing = {one.key: one for one in reversed(protocols) if one.key != protocol.key}
        if not differing:
            raise OptionError(
                f"protocols=[{','.join(one.name for one in protocols)}] has nothing that differs from the given "
                f"protocol, {protocol.label}; name others of conf/protocol."
            )
        return [
            reference,
            *(Variant(one.name, replace(settings, protocol=one)) for one in reversed(differing.values())),
        ]
    if study == "init":
        inits = [init for init in Initialisation if init is not protocol.init]
        changed = [(init.value, replace(settings, protocol=replace(protocol, init=init))) for init in inits]
    else:
        changed = [(kind.value, replace(settings, inputs=(kind,))) for kind in InputKind if (kind,) != settings.inputs]
    return [reference, *(Variant(name, changed_settings) for name, changed_settings in changed)]


def stability_table(runs: Sequence[tuple[str, Evaluation]]) -> pd.DataFrame:
    """Per data set, proxy and variant: tau with the truth, and tau with the scores of the reference.

    Args:
        runs: name of each variant and its evaluation, the reference first.
    """
    rows = []
    reference = runs[0][1]
    for evaluated in reference.evaluation_sets:
        scores = reference.scores[evaluated.name]
        for variant, run in runs:
            if evaluated.name not in run.scores:
                continue
            changed = run.scores[evaluated.name]
            for name in names_of(scores):
                own, other = scores[name].to_numpy(dtype=np.float64), changed[name].to_numpy(dtype=np.float64)
                agreement = _row(run.agreement, (*evaluated.name, name))
                taus = [agreement[column] for column in (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH)]
                rows.append((*evaluated.name, name, variant, agreement[columns.N], *taus, correlations(own, other).tau))
    names = ["bench", "dataset", "proxy", "variant", "n", "tau", "tau_low", "tau_high", "tau_with_reference"]
    return pd.DataFrame(rows, columns=names)


def _row(agreement: pd.DataFrame, row_key: tuple[str, str, str]) -> "pd.Series[float]":
    bench, dataset, proxy = row_key
    own = (
        agreement[columns.BENCH].eq(bench) & agreement[columns.DATASET].eq(dataset) & agreement[columns.PROXY].eq(proxy)
    )
    return agreement[own].iloc[0]
