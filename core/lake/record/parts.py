"""One initiative's facts of a table as mappings, for those who do not ask for them by class yet."""

from __future__ import annotations

from core.domain.facts.recorded import columns_of
from core.domain.facts.tables import TABLES
from core.domain.moment import Moment
from core.lake.facts import history
from core.lake.query import Rows
from core.lake.store import Store


def rows_of(store: Store, table: str, moment: Moment, initiative: str = "") -> Rows:
    """Rows of a fact table up to a moment, in the order of the record, with all their columns."""
    kind = TABLES[table]
    columns = columns_of(kind)
    return [
        {name: list(value) if isinstance(value := getattr(fact, name), tuple) else value for name in columns}
        for fact in history(store, kind, moment, initiative)
    ]
