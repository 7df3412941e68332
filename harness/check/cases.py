"""Checks on edge cases: dead branches, constant outputs, other dtypes, devices and tasks."""

import math
from collections.abc import Iterator

import pandas as pd
import torch

from harness.check.devices import Redirected
from harness.check.finding import Finding, failed, note, passed
from harness.check.harness import (
    ALL_NONE,
    BATCH_SIZE,
    DEAD,
    ORDINARY,
    SKIP_ONLY,
    TASK,
    TWINS,
    CheckHarness,
    duplicated_context,
    is_ok,
    make_outputs_constant,
    on_device,
    one_class_context,
    small_context,
    task_context,
)
from harness.errors import HarnessError
from harness.evidence.base import ScoringContext
from harness.protocol import Precision, Protocol
from harness.proxy import Sees
from harness.space import Architecture
from harness.store import FAILED, Score

# Relative difference between a single and a double precision score above which rounding dominates the score.
_ROUNDING = 0.05
_CONSTANT = 1e-9


def check_value(harness: CheckHarness) -> Finding:
    """Scores of ordinary cells are numbers and differ, and components can be combined."""
    scores = harness.ordinary
    if all(score.status == FAILED for score in scores):
        return failed("value", f"{scores[0].reason}, on every ordinary cell; the other checks need a score")
    for score in scores:
        if score.status == FAILED:
            return failed("value", f"{score.reason}, on the ordinary cell {score.arch}")
    numbers = [score for score in scores if is_ok(score)]
    if not numbers:
        return note("value", f"undefined here: {scores[0].reason}; the following checks are of limited value")
    table = pd.DataFrame([dict(score.components) for score in numbers])
    try:
        values = harness.proxy.combine(table)
    except HarnessError as error:
        return failed("value", str(error))
    except Exception as error:
        return failed("value", f"combine(table) raises {type(error).__name__}: {error}")
    if not isinstance(values, pd.Series) or len(values) != len(table):
        return failed("value", "combine(table) must return a Series with one score per row of the table")
    if len(numbers) > 1 and values.nunique() == 1:
        return note("value", f"{values.iloc[0]:.6g} for {len(numbers)} different cells: does it depend on the network?")
    return passed("value", f"{', '.join(f'{value:.6g}' for value in values)} on ordinary cells")


def check_cases(harness: CheckHarness) -> Iterator[Finding]:
    """One finding per check, in order."""
    yield _case("dead branch", harness.score(DEAD), "a cell with a convolution that does not reach the output")
    yield _case("no path", harness.score(ALL_NONE), "a cell with only `none` operations: no gradients, constant output")
    yield _case("skip only", harness.score(SKIP_ONLY), "a cell with only skip connections")
    subject = harness.subject(ORDINARY[0])
    if harness.proxy.runs_network():
        make_outputs_constant(subject.network)
    yield _case("constant", harness.score_on(subject), "a network with constant outputs")
    yield _case("duplicates", harness.score(ORDINARY[0], duplicated_context()), "a batch of identical images")
    yield _case("one class", harness.score(ORDINARY[0], one_class_context()), "a batch of one class")
    yield _one_image(harness)
    yield _dtypes(harness)
    yield _tasks(harness)
    yield _canonical(harness)
    if harness.proxy.parts():
        yield _parts(harness)


def check_device(harness: CheckHarness) -> tuple[Finding, bool]:
    """The finding, and whether the proxy requests a GPU regardless of the device."""
    with Redirected() as calls:
        harness.score(ORDINARY[0])
    if calls.places:
        places = "; ".join(calls.places[:3])
        return failed(
            "device", f"requests a GPU by name: {places}. Use the device of its evidence: tensor.device"
        ), True
    if not torch.cuda.is_available():
        return passed("device", "cpu; requests no GPU (none is available for a test)"), False
    here, there = harness.ordinary[0], harness.score(ORDINARY[0], on_device("cuda"))
    if there.status == FAILED:
        return failed("device", f"on cuda: {there.reason}"), False
    if is_ok(here) and is_ok(there):
        return passed("device", f"runs on cpu and cuda; relative difference {_difference(here, there):.1g}"), False
    return passed("device", "runs on cpu and cuda"), False


def _case(check: str, score: Score, what: str) -> Finding:
    if score.status == FAILED:
        return failed(check, f"{score.reason}, on {what}; return a number or -inf, or raise Undefined with the reason")
    if not is_ok(score):
        return passed(check, f"undefined: {score.reason}")
    return passed(check, f"{_numbers(score)} on {what}")


def _one_image(harness: CheckHarness) -> Finding:
    """A formula that compares images has no value of one; the number that comes out is then the same everywhere."""
    context = small_context(Protocol(batch_size=1))
    scores = [harness.score(cell, context) for cell in ORDINARY]
    for score in scores:
        if not is_ok(score):
            return _case("one image", score, "batches of one image")
    constant = all(_difference(scores[0], score) <= _CONSTANT for score in scores[1:])
    varies = len({tuple(score.components.values()) for score in harness.ordinary if is_ok(score)}) > 1
    if constant and varies:
        return note(
            "one image",
            f"{_numbers(scores[0])} for {len(scores)} quite different cells with batches of one image, though not with "
            "larger ones: raise Undefined if the formula has no value there",
        )
    return _case("one image", scores[0], "batches of one image")


def _dtypes(harness: CheckHarness) -> Finding:
    scores = {"fp32": harness.ordinary[0]}
    scores |= {name: harness.score(ORDINARY[0], _in(Precision(name))) for name in ("fp64", "bf16")}
    for name, score in scores.items():
        if score.status == FAILED:
            return failed("dtype", f"{score.reason}, with protocol.dtype={name}; compute in the dtype of the evidence")
    if not all(map(is_ok, scores.values())):
        return passed("dtype", "no failure in fp32, fp64 and bf16")
    single, half = (_difference(scores["fp64"], scores[name]) for name in ("fp32", "bf16"))
    text = f"relative difference to fp64: {single:.1g} in fp32, {half:.1g} in bf16"
    return passed("dtype", text) if single <= _ROUNDING else note("dtype", f"{text}: rounding dominates the score")


def _in(precision: Precision) -> ScoringContext:
    return small_context(Protocol(batch_size=BATCH_SIZE, dtype=precision))


def _tasks(harness: CheckHarness) -> Finding:
    score = harness.score(TASK[2], task_context())
    where = f"a task without classes ({TASK[0]} {TASK[1]})"
    if score.status == FAILED:
        return failed("tasks", f"{score.reason}, on {where}; if it needs classes, raise Undefined with that reason")
    return passed("tasks", f"{_numbers(score)} on {where}" if is_ok(score) else f"undefined on {where}: {score.reason}")


def _canonical(harness: CheckHarness) -> Finding:
    precise = _in(Precision.fp64)
    pairs = [(harness.score(one, precise), harness.score(other, precise)) for one, other in TWINS]
    pairs = [(one, other) for one, other in pairs if is_ok(one) and is_ok(other)]
    unequal = [pair for pair in pairs if not _difference(*pair) <= 1e-6]
    if harness.proxy.sees is Sees.ALL:
        if pairs and not unequal and harness.proxy.runs_network():
            return note(
                "canonical",
                "isomorphic cells have equal scores in two pairs: if in all, Sees.LIVE would score each only once",
            )
        return passed("canonical", "not required with Sees.ALL")
    if unequal:
        one, other = unequal[0]
        return failed(
            "canonical",
            f"{_numbers(one)} for {one.arch}, {_numbers(other)} for {other.arch}, which compute the same function; "
            "ignore dead operations, or declare Sees.ALL",
        )
    return passed("canonical", "cells that compute the same function have equal scores")


def _parts(harness: CheckHarness) -> Finding:
    precise = _in(Precision.fp64)
    space = precise.space
    for cell in (ORDINARY[0], DEAD, TWINS[1][1]):
        whole = harness.score(cell, precise)
        of_parts: dict[str, float] = {}
        for component, part in harness.proxy.parts().items():
            live = part.sees is Sees.LIVE
            found = CheckHarness(component, part, harness.redirect).score(
                space.canonical(Architecture(cell)) if live else cell, precise
            )
            if len(found.components) > 1:
                return failed("parts", f"the part {component} has several components; it must return a single score")
            if is_ok(found):
                of_parts[component] = next(iter(found.components.values()))
        parts = whole._replace(components=of_parts)
        if whole.components.keys() != of_parts.keys() or not _difference(whole, parts) <= 1e-6:
            return failed(
                "parts",
                f"measure returns {_named(whole)}, but the parts return {_named(parts)} on {cell}; they must be equal",
            )
    return passed("parts", "components equal the scores of its parts")


def _named(score: Score) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in score.components.items()) or "nothing"


def _numbers(score: Score) -> str:
    return ", ".join(f"{value:.6g}" for value in score.components.values())


def _difference(one: Score, other: Score) -> float:
    """The largest relative difference between the components of two scores; 0 for equal infinities."""
    found = 0.0
    for name, value in one.components.items():
        against = other.components.get(name, math.nan)
        if value != against:
            scale = max(abs(value), abs(against))
            found = max(found, abs(value - against) / scale if math.isfinite(scale) else math.inf)
    return found
