"""Search: what a proxy finds. `from harness.search import search, Question, SearchSettings`."""

from harness.search.search import Question, Search, search
from harness.search.settings import SearchSettings

__all__ = ["Question", "Search", "SearchSettings", "search"]
