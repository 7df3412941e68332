"""The answer as text in the terminal, choose.md, rankings.csv, next.csv and choose.png."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.agreement.interval import Interval
from harness.choose.finding import COUNTING, RANDOM, Finding, Ranked, Regret
from harness.choose.pairs import Estimate
from harness.choose.proposals import INFORMATIVE, TOP, Proposal, table_rows
from harness.files.results import write_files
from harness.report.escape import code_block, csv_text, prose, table_line
from harness.report.style import BLUE, GREY, ORANGE, png, style
from harness.report.tables import correlation_text, interval_text

MOST_SHOWN = 12
LEARNED = "learned from truth"
_CALLED = {COUNTING: "#Params"}


@dataclass(frozen=True, eq=False)
class Answer:
    """What is written.

    Attributes:
        place: benchmark and data set.
        truth: file and column of the accuracies.
        finding, proposed: the answer.
        left_out: proxies without scores, with the reason.
    """

    place: str
    truth: str
    finding: Finding
    proposed: Sequence[Proposal]
    left_out: Mapping[str, str]


def terminal_text(answer: Answer) -> str:
    """The answer, the best rankings and the counts, and what to train next."""
    finding = answer.finding
    lines = [*sentences(answer), ""]
    shown = [one for at, one in enumerate(finding.ranked) if at < MOST_SHOWN or one.name == COUNTING]
    lines.append(f"  {'ranking':26} {'tau':>18}   {'less #Params':>18}  chosen in folds")
    for one in shown:
        less = _estimate(one.less_counting) if one.less_counting else "-"
        share = f"{one.n_chosen}/{len(finding.validated.held)}"
        mark = "*" if one.is_contender else " "
        lines.append(f"{mark} {_label(one):26} {_estimate(one.tau):>18}   {less:>18}  {share}")
    n_more = len(finding.ranked) - len(shown)
    lines += [f"  and {n_more} more in rankings.csv"] if n_more else []
    lines += ["* not distinguishable from the first; + learned from truth", ""]
    for why, title in _TITLES.items():
        rows = [one for one in answer.proposed if one.why == why]
        lines += [title, *(f"  {one.place:>5}  {one.index:>6}  {one.arch}" for one in rows), ""] if rows else []
    return "\n".join(lines).rstrip()


_TITLES = {
    TOP: "Train next (place, index, architecture):",
    INFORMATIVE: "Would tell the open rankings apart (they disagree most on these):",
}


def sentences(answer: Answer) -> Iterator[str]:
    """What was found, one statement a line."""
    finding = answer.finding
    pool, best = finding.pool, finding.best
    yield (
        f"{answer.place}: {pool.trained.size} trained architectures ({pool.n_trained_classes} networks) of "
        f"{answer.truth}, {pool.untrained.size:,} untrained networks to rank."
    )
    learned = f", {LEARNED}" if best.kind == "predictor" else ""
    yield f"Rank the rest by {best.name} ({best.kind}{learned})."
    yield (
        f"Expected tau {_estimate(finding.expected)}: nested cross-validation, the ranking chosen anew on each fold, "
        "from accuracies that it is not tested on."
    )
    if finding.gain is not None:
        yield f"Against counting: tau {_estimate(finding.gain)} more than #Params. {_decision(finding)}"
    yield f"{_regret_sentence(finding)}"
    if len(finding.contenders) > 1:
        others = finding.contenders[1:]
        named = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        yield f"The choice of the ranking is open: the data do not tell {best.name} from {named}."
    else:
        yield f"The choice of the ranking is decided: every other ranking is worse than {best.name}."
    if answer.left_out:
        yield f"Without scores, so left out: {', '.join(answer.left_out)}."


def _decision(finding: Finding) -> str:
    gain = finding.gain
    assert gain is not None
    if gain.is_decided:
        return "The data decide: it is better." if gain.value > 0 else "The data decide: counting is better."
    n = finding.pool.trained.size
    if finding.n_to_decide is None:
        return "The data do not decide, and no number of trainings would if the difference is what it seems."
    more = max(finding.n_to_decide - n, 1)
    return f"The data do not decide; about {more:,} more trainings would if the difference is what it seems."


def _regret_sentence(finding: Finding) -> str:
    parts = [f"{_regret(finding.regret['choice'])} for the choice"]
    for name in (COUNTING, RANDOM):
        if name in finding.regret:
            less = finding.regret_less[name]
            called = _CALLED.get(name, "a random order")
            parts.append(f"{finding.regret[name].value:.2f} for {called} (difference {_regret(less)})")
    return (
        f"Regret of the first of {finding.fold_size:.1f} held-out architectures, in the accuracy's unit: "
        f"{', '.join(parts)}."
    )


def _label(one: Ranked) -> str:
    return f"{one.name}{'+' if one.kind == 'predictor' else ''}"


def _estimate(found: Estimate) -> str:
    return f"{correlation_text(found.value)} {_interval(found.interval)}"


def _interval(interval: Interval) -> str:
    return "(no interval)" if interval.low != interval.low else interval_text(*interval)


def _regret(found: Regret) -> str:
    return f"{found.value:.2f} [{found.interval.low:.2f}, {found.interval.high:.2f}]"


def rankings_table(finding: Finding) -> pd.DataFrame:
    """Rows of rankings.csv."""
    nan = float("nan")
    rows = []
    for one in finding.ranked:
        less = one.less_counting
        rows.append(
            {
                "ranking": one.name,
                "kind": one.kind,
                "learned_from": "truth, cross-fitted" if one.kind == "predictor" else "nothing",
                "tau": one.tau.value,
                "tau_low": one.tau.interval.low,
                "tau_high": one.tau.interval.high,
                "less_params": less.value if less else nan,
                "less_params_low": less.interval.low if less else nan,
                "less_params_high": less.interval.high if less else nan,
                "contender": "yes" if one.is_contender else "no",
                "chosen_share": one.n_chosen / len(finding.validated.held),
                "n_missing": one.n_missing,
            }
        )
    return pd.DataFrame(rows)


def write_answer(out: Path, answer: Answer, command: str) -> None:
    """Write the files of the answer."""
    with style():
        picture = png(_figure(answer.finding))
    files = {
        "rankings.csv": csv_text(rankings_table(answer.finding)).encode(),
        "next.csv": csv_text(pd.DataFrame(table_rows(answer.proposed))).encode(),
        "choose.png": picture,
        "choose.md": ("\n".join(_lines(answer, command)) + "\n").encode(),
    }
    write_files(out, files)


def _lines(answer: Answer, command: str) -> Iterator[str]:
    finding = answer.finding
    yield from ("# What to train next", "", *code_block(command), "")
    yield from (f"- {prose(sentence)}" for sentence in sentences(answer))
    yield from ("", "![tau of each ranking](choose.png)", "", "## Rankings", "")
    yield (
        "tau on the trained architectures; of predictors on pairs that were held out together. A single row is not "
        "corrected for being the best of many; the expected tau above is. `chosen`: share of the held-out folds for "
        "which the other folds choose it."
    )
    yield ""
    yield table_line(["ranking", "kind", "learned from", "tau", "less #Params", "open", "chosen", "without a score"])
    yield table_line(["---", "---", "---", "---:", "---:", "---", "---:", "---:"])
    for one in finding.ranked:
        less = _estimate(one.less_counting) if one.less_counting else "-"
        learned = "truth, cross-fitted" if one.kind == "predictor" else "nothing"
        is_open = "yes" if one.is_contender else ""
        share = f"{one.n_chosen / len(finding.validated.held):.0%}"
        yield table_line([_label(one), one.kind, learned, _estimate(one.tau), less, is_open, share, f"{one.n_missing}"])
    for why, title in _TITLES.items():
        rows = [one for one in answer.proposed if one.why == why]
        if rows:
            yield from ("", f"## {title}", "")
            yield table_line(["place", "index", "architecture", "disagreement"])
            yield table_line(["---:", "---:", "---", "---:"])
            for proposal in rows:
                yield table_line(
                    [str(proposal.place), str(proposal.index), f"`{proposal.arch}`", f"{proposal.disagreement:.2f}"]
                )
    if answer.left_out:
        yield from ("", "## Left out", "")
        yield from (f"- {prose(name)}: {prose(reason)}" for name, reason in answer.left_out.items())


def _figure(finding: Finding) -> Figure:
    shown = list(finding.ranked[:40])[::-1]
    figure = Figure(figsize=(6.4, 1.2 + 0.24 * (len(shown) + 1)), layout="constrained")
    axes = figure.subplots()
    for height, one in enumerate(shown):
        colour = ORANGE if one.kind == "predictor" else GREY if one.kind == "count" else BLUE
        _bar(axes, height, one.tau, colour)
    _bar(axes, len(shown), finding.expected, "black")
    axes.set_yticks(range(len(shown) + 1), [*map(_label, shown), "the choice, nested"], fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("tau on the trained architectures (blue: proxies, ensembles; grey: counts; orange: learned)")
    return figure


def _bar(axes: Axes, height: int, found: Estimate, colour: str) -> None:
    axes.plot([found.value], [height], "o", color=colour, markersize=4)
    if found.interval.low == found.interval.low:
        axes.plot(list(found.interval), [height, height], color=colour, linewidth=1.6)
