"""Every fact table with its class."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.facts import measured, models, process, record, rules, work
from core.domain.facts.recorded import Recorded

TABLES: Mapping[str, type[Recorded]] = {
    kind.table: kind
    for room in (process, rules, models, measured, work, record)
    for kind in vars(room).values()
    if isinstance(kind, type) and issubclass(kind, Recorded) and "table" in vars(kind)
}
