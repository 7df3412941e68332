"""Search: what a proxy finds. `from harness.search import search, SearchSpec, SearchSettings`."""

from harness.search.search import Search, SearchSpec, search
from harness.search.settings import SearchSettings

__all__ = ["Search", "SearchSettings", "SearchSpec", "search"]
