"""Does anything beat counting here? A line for each data set, from the rows of the answer."""

from collections.abc import Collection, Iterator

import pandas as pd

from harness.report.escape import markdown_line
from harness.report.tables import correlation_text
from harness.report.verdict import signed_text

TITLE = "Does anything beat counting here?"
_HEAD = (
    "data set",
    "proxies",
    "highest count",
    "largest lead",
    "beat #Params",
    "beat every count",
    "behind every one",
)
_VOTES = ("", "_networks")


def headline(found: pd.DataFrame, counts: Collection[str]) -> Iterator[str]:
    """The section, from the rows of the answer's CSV; `counts` are the proxies that are counts."""
    yield from (f"## {TITLE}", "")
    yield (
        "Over cells / over networks. Verdicts compare a proxy with the counts on its own architectures; p by Holm over "
        "the columns of scores of a data set that have one, for each count and vote by itself, not over data sets. The "
        "highest count is that of the largest sample with counts. The largest lead is that of a proxy's tau over the "
        "highest count's on the proxy's own architectures, given in parentheses; of proxies with at least half as many "
        "architectures as most have, and picked after the fact, so that it is too large. Where all taus are negative, "
        "to beat a count is to be nearer to 0. Some proxies are counts in other words (az_complexity, n_tensors), some "
        "one score under two names."
    )
    yield from ("", markdown_line(_HEAD), markdown_line(["---", "---:", *["---"] * 5]))
    for (bench, dataset), own in found.groupby(["bench", "dataset"], sort=False):
        is_count = own["proxy"].isin(counts)
        yield markdown_line([f"{bench} / {dataset}", *_line(own[~is_count & own["tau"].notna()], own[is_count])])


def _line(proxies: pd.DataFrame, counts: pd.DataFrame) -> list[str]:
    usual = proxies["n_sample"].mode().max()
    many = proxies[proxies["n"] >= usual / 2]
    beat_params = [_with(proxies, f"beaten{vote}", "params") for vote in _VOTES]
    n_compared = int(proxies["counts"].astype(str).str.split().map(lambda names: "params" in names).sum())
    return [
        str(len(proxies)),
        _both([_highest(counts, vote) for vote in _VOTES]),
        _both([_largest_lead(many, vote) for vote in _VOTES]),
        f"{_both([str(n) for n in beat_params])} of {n_compared}" if n_compared else "-",
        _both([", ".join(_of_all_counts(proxies, f"beaten{vote}")) or "none" for vote in _VOTES]),
        _both([str(len(_of_all_counts(proxies, f"behind{vote}"))) for vote in _VOTES]),
    ]


def _highest(rows: pd.DataFrame, vote: str) -> str:
    taus = rows[f"tau{vote}"].astype(float)
    if not taus.notna().any():
        return "-"
    return f"{rows['proxy'].iloc[int(taus.argmax())]} {correlation_text(taus.max())}"


def _largest_lead(rows: pd.DataFrame, vote: str) -> str:
    """A proxy, its tau, and the lead in parentheses."""
    taus = rows[f"tau{vote}"].astype(float)
    leads = taus - pd.to_numeric(rows[f"counts_tau{vote}"])
    if not leads.notna().any():
        return "-"
    at = int(leads.argmax())
    return f"{rows['proxy'].iloc[at]} {correlation_text(taus.iloc[at])} ({signed_text(leads.iloc[at])})"


def _with(rows: pd.DataFrame, column: str, name: str) -> int:
    return int(rows[column].astype(str).str.split().map(lambda names: name in names).sum())


def _of_all_counts(rows: pd.DataFrame, column: str) -> list[str]:
    """The proxies whose column names every count that varies there."""
    those = rows[(rows[column] == rows["counts"]) & (rows["counts"] != "")]
    return sorted(those["proxy"])


def _both(votes: list[str]) -> str:
    """Cells / networks, once where they agree."""
    return " / ".join(dict.fromkeys(votes))
