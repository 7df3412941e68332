"""Searchers: each proposes architectures and learns what they are worth; found by themselves."""

from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher, Status

__all__ = ["SEARCHERS", "Asking", "Candidate", "Problem", "Proposal", "Searcher", "Status"]
