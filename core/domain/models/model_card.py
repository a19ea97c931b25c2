"""What a model card and a technical file hold: sections, their parts, and the notes of people beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from core.domain.commands import Command
from core.domain.given import InitiativeId, argument

Kind = Literal["card", "technical"]
KINDS: dict[Kind, str] = {"card": "Model card", "technical": "Technical file"}
MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class SectionDefinition:
    """A section of a document: its id, its title, and what it is to tell the reader."""

    id: str
    title: str
    tells: str
    card: bool = True


SECTIONS: tuple[SectionDefinition, ...] = (
    SectionDefinition("use", "What it is for", "Purpose, owner, and where it is put to work."),
    SectionDefinition("risk", "Risk class", "The class, the answers that led to it, and who overrode it."),
    SectionDefinition("model", "Model and version", "What was trained, and from what it can be made again."),
    SectionDefinition("data", "Data", "Which data it uses, how, and what is wrong with it."),
    SectionDefinition("performance", "Performance", "The metrics recorded for this version."),
    SectionDefinition("slices", "Differences between groups", "A metric by group, with its limit."),
    SectionDefinition("decay", "Performance over time", "Estimates after release, and what came true."),
    SectionDefinition("limits", "Limits", "What is known to be weak, and what nobody can tell."),
    SectionDefinition("decisions", "Decisions and sign-offs", "Who let it pass which gate, and when."),
    SectionDefinition("waivers", "Waivers and findings", "What was let off, what is open, and until when."),
    SectionDefinition(
        "requirements", "Requirements and evidence", "What is asked, and what proves it.", False
    ),
    SectionDefinition("checks", "Automatic checks", "The latest run of each check.", False),
    SectionDefinition("frameworks", "Frameworks and regulations", "Which clauses are answered.", False),
    SectionDefinition("history", "Versions and changes", "Every version, and what became of it.", False),
    SectionDefinition("origin", "Where this comes from", "The point of the record that it was made from."),
)
"""All sections in their order; those that are not for the card stand in the technical file only."""


def sections_of(kind: Kind) -> tuple[SectionDefinition, ...]:
    """The sections of a kind of document, in their order."""
    return tuple(section for section in SECTIONS if section.card or kind == "technical")


@dataclass(frozen=True)
class Words:
    """A paragraph made from the record."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Labelled facts; an empty value is missing and shown so."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows under headings; a cell that is empty is shown as a dash."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Missing:
    """Something that ought to be on record and is not, with what to do about it."""

    what: str
    remedy: str


Part = Words | Facts | Table | Missing


@dataclass(frozen=True)
class Note:
    """What a person wrote beside the generated text: the newest wording, by whom and when (UTC)."""

    author: str
    at: datetime
    text: str
    wordings: int


@dataclass(frozen=True)
class Section:
    """One section: what the record says, what is missing, and what a person added.

    `wordings` counts all notes that were ever written here, those taken back too.
    """

    definition: SectionDefinition
    parts: tuple[Part, ...]
    note: Note | None
    wordings: int = 0

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What is missing here."""
        return tuple(part for part in self.parts if isinstance(part, Missing))


@dataclass(frozen=True)
class Document:
    """A document as of a moment: the same record entry and day give the same document."""

    kind: Kind
    initiative: str
    name: str
    version: str
    at: datetime
    seq: int
    digest: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """What stands at its head."""
        return f"{KINDS[self.kind]}: {self.name}"

    @property
    def missing(self) -> int:
        """How many things are missing in all sections."""
        return sum(len(section.missing) for section in self.sections)


def _readable(text: str) -> str:
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    if any((ord(char) < 32 and char not in "\n\t") or ord(char) == 127 for char in kept):
        raise ValueError("holds control characters; leave them out")
    return kept


OfKind = Annotated[Kind, Field(description="card or technical.")]
SectionId = Annotated[str, Field(description="The section, such as limits."), argument()]
Beside = Annotated[
    str,
    StringConstraints(max_length=MOST_CHARACTERS, strip_whitespace=True),
    AfterValidator(_readable),
    Field(description="What to write; empty takes back what stands there."),
]


class WriteDocumentText(Command, may="write_document"):
    """Write beside the generated text of a section, in your name.

    Attributes
    ----------
    seen
        How many wordings the writer had before their eyes; where there are more by now, somebody else wrote
        meanwhile. None does not ask.
    """

    initiative: InitiativeId
    kind: OfKind = "card"
    section: SectionId
    text: Beside = ""
    seen: int | None = None
