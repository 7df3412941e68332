"""Report: an evaluation's tables -> the terminal table, `report.md`, the figures, and the files of a run."""

from harness.report.evaluation import JSON, EvaluationTables
from harness.report.markdown import markdown_report
from harness.report.scatter import scatter
from harness.report.tables import TERMINAL_WIDTH, terminal_table
from harness.report.verdict import MAIN, verdict_sentences
from harness.report.within import combined_places, within_terminal
from harness.report.write import write_report

__all__ = [
    "JSON",
    "MAIN",
    "TERMINAL_WIDTH",
    "EvaluationTables",
    "combined_places",
    "markdown_report",
    "scatter",
    "terminal_table",
    "verdict_sentences",
    "within_terminal",
    "write_report",
]
