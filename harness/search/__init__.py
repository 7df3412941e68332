"""Search: architectures found with a proxy as objective. `from harness.search import search, SearchSpec`."""

from harness.search.search import Search, SearchSpec, search
from harness.search.settings import SearchSettings

__all__ = ["Search", "SearchSettings", "SearchSpec", "search"]
