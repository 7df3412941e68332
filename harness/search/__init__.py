"""Search: architectures found with a proxy as objective. `from harness.search import search, SearchSpec`."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.search.searching import Search as Search
    from harness.search.searching import search as search
    from harness.search.settings import SearchSettings as SearchSettings
    from harness.search.settings import SearchSpec as SearchSpec

__getattr__ = lazily(
    __name__,
    {
        "Search": "harness.search.searching",
        "SearchSpec": "harness.search.settings",
        "search": "harness.search.searching",
        "SearchSettings": "harness.search.settings",
    },
)
