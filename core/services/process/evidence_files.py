"""Handing evidence files out again."""

from __future__ import annotations

from core.domain.errors import NotFound
from core.domain.facts.process import Evidence
from core.domain.moment import Moment
from core.lake.facts import latest
from core.lake.record.evidence_files import read_evidence
from core.services.governance import Governance
from core.services.lookups import registered


def evidence_file(governance: Governance, moment: Moment, *, initiative: str, sha256: str) -> bytes:
    """Read a file that was submitted as evidence of an initiative; its digest is checked on the way.

    Raises
    ------
    NotFound
        No such initiative, no evidence of it with this digest, or the file is gone.
    BrokenRecord
        The content is not what was submitted.
    """
    registered(governance, initiative, moment)
    if latest(governance.store, Evidence, moment, initiative, sha256=sha256) is None:
        raise NotFound("no such file was submitted", where=initiative, remedy="Look at its evidence.")
    return read_evidence(governance.store, sha256)
