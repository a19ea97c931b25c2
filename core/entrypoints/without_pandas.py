"""Keeping pandas out of a process that has no use for it.

DuckDB imports pandas, a second's work, at the first query with parameters, only to look for its missing
values. Where the import fails, DuckDB goes on without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let `import pandas` fail for a while, unless it has been imported already."""
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]  # None means: do not import
    if "pandas" in modules:
        yield
        return
    modules["pandas"] = None
    try:
        yield
    finally:
        if modules.get("pandas", modules) is None:
            del modules["pandas"]
