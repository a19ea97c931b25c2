"""How a field is given where its name and type do not say it: a value beside the field, read by machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from core.domain.errors import BadInput


@dataclass(frozen=True)
class Given:
    """How a field is typed on the command line.

    Attributes
    ----------
    names
        Names of the option; empty for `--field-name`.
    metavar
        What stands for the value in the help; empty for the type's own word.
    argument
        Whether it is typed by its place, without a name.
    flag
        The value that the bare option stands for, where the field is no plain yes or no.
    values
        How many values are typed after the name at once; 0 where it is one, or repeated for a list.
    read
        Makes the field's value of what was typed (a text, or the texts of a repeated option).
    """

    names: tuple[str, ...] = ()
    metavar: str = ""
    argument: bool = False
    flag: object = None
    values: int = 0
    read: Callable[..., object] | None = None


@dataclass(frozen=True)
class OrCurrent:
    """Marks a model version that may be left empty: the current one is meant then."""


@dataclass(frozen=True)
class Laid:
    """Marks a file that whoever asks lays into the store's `incoming` folder; `name` takes its own name."""

    name: str = "name"


@dataclass(frozen=True)
class Content:
    """Marks the bytes of a file, sent in base64; `name` takes the file's name."""

    name: str = "file_name"
    most_bytes: int = 25 * 1024 * 1024


@dataclass(frozen=True)
class TextOf:
    """Marks a text that is typed as the path of the file that holds it; `name` takes the file's name.

    What fits the pattern `known` names a text that is on record already: then `name` is sent, and only then.
    """

    name: str = "name"
    most_bytes: int = 1_000_000
    known: str = ""


@dataclass(frozen=True)
class Shown:
    """How a field stands in a form, where its title and type do not say it.

    Attributes
    ----------
    hint
        What is shown while nothing is typed.
    help
        What the form says of the field when asked.
    lines
        Whether several lines are typed.
    endings
        Endings of the files that may be given.
    """

    hint: str = ""
    help: str = ""
    lines: bool = False
    endings: tuple[str, ...] = ()


def texts_of(kind: type[BaseModel]) -> dict[str, tuple[str, Shown]]:
    """Field -> title and look of the texts of several lines that a command takes.

    Whoever shows or asks for all that is told of a thing reads the list here.
    """
    return {
        name: (info.title or name, mark)
        for name, info in kind.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, Shown) and mark.lines
    }


def argument(metavar: str = "", *, read: Callable[..., object] | None = None) -> Given:
    """A field that is typed by its place."""
    return Given(metavar=metavar, argument=True, read=read)


def option(
    *names: str,
    metavar: str = "",
    flag: object = None,
    values: int = 0,
    read: Callable[..., object] | None = None,
) -> Given:
    """A field that is typed after a name of its own."""
    return Given(names, metavar, flag=flag, values=values, read=read)


def pairs(given: list[str], option: str, example: str) -> dict[str, tuple[str, ...]]:
    """Read repeated `name=value` options; the same name again adds a value."""
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise BadInput(f"'{text[:60]}' is not a pair", where=option, remedy=f"Write it like {example}.")
        found[name] = (*found.get(name, ()), value)
    return found


Texts = tuple[str, ...]
InitiativeId = Annotated[
    str, Field(description="The initiative's id, as 'governance list' shows it."), argument()
]
NamedInitiative = Annotated[str, Field(description="The initiative's id.")]
OfInitiative = Annotated[str, Field(description="Only this initiative."), option(metavar="ID")]
OfTeam = Annotated[str, Field(description="Which team's.")]
AnyInitiative = Annotated[str, Field(description="An initiative; empty lists all."), argument()]
TeamAlone = Annotated[str, Field(description="A team's alone.")]
VersionId = Annotated[
    str, Field(description="Model version; the current one where none is named."), OrCurrent()
]
Kinds = Annotated[
    tuple[str, ...],
    Field(
        description="What a column is: number, category, ordered (ordered:low,mid,high), code, identifier, "
        "time or flag; repeat."
    ),
    option("--kind", metavar="COLUMN=KIND"),
]
Missing = Annotated[
    tuple[str, ...],
    Field(description="Value that stands for none: WORD in every column, COLUMN=WORD in one; repeat."),
    option(metavar="[COLUMN=]WORD"),
]
Join = Annotated[
    tuple[str, ...],
    Field(
        description="Column in which values that differ only in blanks, capitals, form of characters or "
        "leading zeros are one; repeat."
    ),
    option(metavar="COLUMN"),
]
Weight = Annotated[
    str, Field(description="Column that says how many a row stands for; bias is then measured of these.")
]
Zone = Annotated[str, Field(description="Zone of times without one, such as Europe/Paris or UTC.")]
AsOf = Annotated[
    str,
    StringConstraints(max_length=40),
    Field(description="Read as it stood, or will stand, at the end of a UTC day, or at a UTC time."),
    option(metavar="DAY"),
]
GateId = Annotated[str, Field(description="The gate, such as deployment.")]


_FILES = "abfs abfss adl az dbfs file ftp ftps gcs git gs hdfs http https s3 s3a s3n sftp ssh svn wasb wasbs"
_REGISTRIES = "azureml docker hf mlflow-artifacts models oci runs wandb"
SCHEMES = frozenset(f"{_FILES} {_REGISTRIES}".split())
"""Kinds of addresses that people use for files and pages."""


def shown_address(link: str | None) -> str:
    """Show an address as text, if it is of a kind that people use for files; never as something to click.

    Examples
    --------
    >>> shown_address("s3://models/1")
    's3://models/1'
    >>> shown_address("javascript://alert(1)")
    'an address of the kind “javascript”, which is not shown'
    """
    if not link:
        return ""
    scheme = link.partition("://")[0].lower()
    known = scheme.partition("+")[0] in SCHEMES
    return link if known else f"an address of the kind “{scheme[:20]}”, which is not shown"
