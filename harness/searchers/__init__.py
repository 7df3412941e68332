"""Searchers: each proposes architectures and receives their scores. Files of this package are registered by import."""

from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher, Status

__all__ = ["SEARCHERS", "Asking", "Candidate", "Problem", "Proposal", "Searcher", "Status"]
