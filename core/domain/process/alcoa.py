"""ALCOA: how attributable, legible, contemporaneous, original and accurate a piece of evidence is.

Graded from what the record itself holds; each grade says why, and what it cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

Letter = Literal["attributable", "legible", "contemporaneous", "original", "accurate"]
LETTERS: tuple[Letter, ...] = ("attributable", "legible", "contemporaneous", "original", "accurate")
_TEXT = (
    ".md",
    ".txt",
    ".rst",
    ".log",
    ".csv",
    ".tsv",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".xml",
    ".html",
    ".htm",
)
_OFFICE = (".pdf", ".docx", ".odt", ".xlsx", ".ods", ".pptx", ".png", ".jpg", ".jpeg", ".svg")
_CODE = (".ipynb", ".py", ".sql", ".r")
READABLE = frozenset((*_TEXT, *_OFFICE, *_CODE))
"""File endings that people open with what every desk has."""


class Grade(StrEnum):
    """How far a letter holds; `cannot_tell` is never shown as holding."""

    FULL = "full"
    PARTLY = "partly"
    NOT = "not"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class EvidenceFacts:
    """What the record knows of one piece of evidence.

    Attributes
    ----------
    submitter
        Name of who submitted it; `known` tells whether the directory still has them.
    has_role
        Whether they held, on that day, the role that the measure makes responsible; `role` is its title.
    link, file_name
        One of the two is empty.
    waited_days
        Days from the event it proves to its submission; `event` says in words which event that is. None
        where the record has no such event before it.
    allowed_days
        Days within which the policy wants it.
    digest_holds
        Whether the file kept still has its digest; None for a link.
    purged
        The file was removed on purpose, and its digest stays.
    reviewer
        Somebody else who looked at it since, with `review` in words; empty where nobody did.
    """

    submitter: str
    known: bool
    has_role: bool
    role: str
    link: str
    file_name: str
    waited_days: int | None
    event: str
    allowed_days: int
    digest_holds: bool | None
    purged: bool = False
    reviewer: str = ""
    review: str = ""


@dataclass(frozen=True)
class LetterGrade:
    """The grade of one letter. `reason` and `blind` are sentences without a full stop."""

    letter: Letter
    grade: Grade
    reason: str
    blind: str


def alcoa_grades(facts: EvidenceFacts) -> tuple[LetterGrade, ...]:
    """Grade a piece of evidence by the five letters, in their order.

    Parameters
    ----------
    facts
        What the record knows of it; days are whole UTC days.

    Returns
    -------
    tuple of LetterGrade
        Five, in the order of `LETTERS`.

    Notes
    -----
    Source: the ALCOA principle of data integrity, as in the FDA's guidance on drug manufacturing of December
    2018; the rules by which each letter is graded are ours and stand in the reasons. Leaves out what the
    evidence says: a well-kept report may still be wrong.
    """
    return tuple(_GRADERS[letter](facts) for letter in LETTERS)


def overall_grade(grades: tuple[LetterGrade, ...]) -> Grade:
    """The worst of the five; what cannot be told ranks between partly and not.

    Examples
    --------
    >>> one = LetterGrade("legible", Grade.PARTLY, "", "")
    >>> overall_grade((one, LetterGrade("original", Grade.FULL, "", "")))
    <Grade.PARTLY: 'partly'>
    """
    order = (Grade.NOT, Grade.CANNOT_TELL, Grade.PARTLY, Grade.FULL)
    return next(grade for grade in order if grade in {one.grade for one in grades})


def _attributable(facts: EvidenceFacts) -> LetterGrade:
    blind = "whether that person wrote it"
    if not facts.known:
        return LetterGrade("attributable", Grade.NOT, "the directory no longer knows who submitted it", blind)
    if facts.has_role:
        reason = f"submitted by {facts.submitter}, with the role responsible, {facts.role}"
        return LetterGrade("attributable", Grade.FULL, reason, blind)
    reason = f"submitted by {facts.submitter}, without the role responsible, {facts.role}"
    return LetterGrade("attributable", Grade.PARTLY, reason, blind)


def _legible(facts: EvidenceFacts) -> LetterGrade:
    blind = "whether its words can be understood"
    if facts.link:
        scheme = facts.link.partition("://")[0].lower()
        if scheme in ("http", "https"):
            reason = "a link that a browser opens, readable as long as it leads somewhere"
            return LetterGrade(
                "legible", Grade.PARTLY, reason, "what lies behind the link: it is never opened"
            )
        reason = f"a link of the kind “{scheme[:20]}”, which not everybody can follow"
        return LetterGrade("legible", Grade.CANNOT_TELL, reason, "what lies behind the link")
    if facts.purged:
        reason = "the file was removed on purpose; only its digest is left"
        return LetterGrade("legible", Grade.NOT, reason, blind)
    ending = PurePosixPath(facts.file_name).suffix.lower()
    if ending in READABLE:
        return LetterGrade(
            "legible", Grade.FULL, f"a file of the kind {ending}, which people can read", blind
        )
    reason = (
        f"a file of the kind {ending}, which needs a program of its own"
        if ending
        else "a file without an ending"
    )
    return LetterGrade("legible", Grade.PARTLY, reason, blind)


def _contemporaneous(facts: EvidenceFacts) -> LetterGrade:
    blind = "when the work itself was done: only when it was submitted"
    if facts.waited_days is None:
        return LetterGrade(
            "contemporaneous", Grade.CANNOT_TELL, "the record has no event that it follows", blind
        )
    days = f"{facts.waited_days} {'day' if facts.waited_days == 1 else 'days'} after {facts.event}"
    allowed = f"{facts.allowed_days} are allowed"
    if facts.waited_days <= facts.allowed_days:
        return LetterGrade("contemporaneous", Grade.FULL, f"submitted {days}; {allowed}", blind)
    if facts.waited_days <= 2 * facts.allowed_days:
        return LetterGrade("contemporaneous", Grade.PARTLY, f"submitted late, {days}; {allowed}", blind)
    reason = f"submitted long after the event, {days}; {allowed}"
    return LetterGrade("contemporaneous", Grade.NOT, reason, blind)


def _original(facts: EvidenceFacts) -> LetterGrade:
    if facts.link:
        reason = "a link: what it leads to is kept elsewhere and may change without a trace"
        return LetterGrade("original", Grade.NOT, reason, "whether the place behind the link keeps versions")
    if facts.purged:
        reason = "the file was removed on purpose; its digest can still identify a copy"
        return LetterGrade("original", Grade.PARTLY, reason, "where a copy may be")
    reason = "the file is kept by its content, with its digest on record"
    return LetterGrade("original", Grade.FULL, reason, "whether the file was a copy when it was submitted")


def _accurate(facts: EvidenceFacts) -> LetterGrade:
    blind = "whether what it says is true"
    seen = f"{facts.reviewer} {facts.review}" if facts.reviewer else "nobody independent has looked at it yet"
    if facts.digest_holds is None:
        reason = f"without the content on record nothing can be verified; {seen}"
        return LetterGrade("accurate", Grade.CANNOT_TELL, reason, blind)
    if not facts.digest_holds:
        return LetterGrade(
            "accurate", Grade.NOT, "the file no longer has the digest it was submitted with", blind
        )
    grade = Grade.FULL if facts.reviewer else Grade.PARTLY
    return LetterGrade("accurate", grade, f"the file still has its digest; {seen}", blind)


_GRADERS: dict[Letter, Callable[[EvidenceFacts], LetterGrade]] = {
    "attributable": _attributable,
    "legible": _legible,
    "contemporaneous": _contemporaneous,
    "original": _original,
    "accurate": _accurate,
}
