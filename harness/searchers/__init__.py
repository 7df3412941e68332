"""Searchers: each proposes architectures and receives their scores. Files of this package are registered by import."""

from harness.searchers.base import (
    SEARCHERS,
    Asking,
    Candidate,
    Penalty,
    Problem,
    Proposal,
    Removed,
    Searcher,
    Status,
)

__all__ = ["SEARCHERS", "Asking", "Candidate", "Penalty", "Problem", "Proposal", "Removed", "Searcher", "Status"]
