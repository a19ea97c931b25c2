"""Trainings that people attested."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_ATTESTED = """
    SELECT person, training, max(recorded_at)::DATE AS attested_on, arg_max(valid_until, seq) AS valid_until
    FROM training_attestation WHERE seq <= $seq GROUP BY person, training
"""


def attestations(store: Store, moment: Moment) -> Rows:
    """The latest attestation of each person and training: its day, and the last day it holds."""
    return fetch(store.cursor(), _ATTESTED, {"seq": moment.seq})
