"""How figures name the ground truth on an axis: by its metric and unit, not by its column."""

from harness import columns
from harness.report.evaluation import EvaluationTables

_SPELT = {"top1": "top-1 accuracy", "ssim": "SSIM", "mIoU": "mIoU", "neg_loss": "negative loss"}


def truth_label(tables: EvaluationTables, bench: str, dataset: str) -> str:
    """The ground truth and its unit, "test accuracy (%)"; its column where the provenance does not describe it."""
    told = _described(tables, bench, dataset)
    metric = str(told.get("metric", ""))
    if not metric:
        rows = tables.agreement
        of_place = rows[(rows[columns.BENCH] == bench) & (rows[columns.DATASET] == dataset)]
        return f"truth: {of_place[columns.TRUTH].iloc[0]}" if len(of_place) else "truth"
    split = {"valid": "validation", "unstated": ""}.get(str(told.get("split", "")), str(told.get("split", "")))
    return f"{split} {_SPELT.get(metric, metric)}{_in_unit(told)}".strip()


def regret_label(tables: EvaluationTables, bench: str, dataset: str) -> str:
    """Regret and its unit: differences of percentages are percentage points."""
    told = _described(tables, bench, dataset)
    return "regret (percentage points)" if told.get("unit") == "%" else f"regret{_in_unit(told)}"


def is_lower_better(tables: EvaluationTables, bench: str, dataset: str) -> bool:
    """Whether lower ground truth is better, according to the provenance."""
    return not _described(tables, bench, dataset).get("higher_is_better", True)


def _in_unit(told: dict[str, object]) -> str:
    unit = str(told.get("unit") or "")
    return f" ({unit})" if unit and unit not in ("unstated", "1", "none") else ""


def _described(tables: EvaluationTables, bench: str, dataset: str) -> dict[str, object]:
    """What run.json says of the truth's column; nothing where it says nothing."""
    described = tables.provenance.get(columns.TRUTH)
    column = described.get(f"{bench}/{dataset}") if isinstance(described, dict) else None
    return dict(column) if isinstance(column, dict) else {}
