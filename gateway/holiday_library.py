"""The library that knows the world's public holidays, and the codes it has calendars for."""

import importlib
from functools import lru_cache
from typing import Any

LIBRARY = "holidays"


def library() -> Any:
    """The library, imported when it is first needed: it takes a moment, and most commands need no calendar."""
    return importlib.import_module(LIBRARY)


@lru_cache(maxsize=1)
def listed_codes() -> frozenset[str]:
    """The codes of countries and markets the library knows."""
    holidays = library()
    return frozenset({*holidays.list_supported_countries(), *holidays.list_supported_financial()})
