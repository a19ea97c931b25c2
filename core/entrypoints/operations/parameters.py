"""What each operation may be given: the same for the command line and for the API.

No parameter carries a time for the record. `as_of` is for reading: a UTC day or a UTC time that is past.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AsOf = Annotated[str, Field(max_length=40, description="A past UTC day or time; empty reads as of now.")]
Texts = tuple[str, ...]


class Parameters(BaseModel):
    """Parameters of an operation: frozen, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Parameters):
    """An operation that takes no parameters."""


class ListInitiatives(Parameters):
    """Filters of the inventory; empty ones let all through."""

    search: str = ""
    classes: Texts = ()
    teams: Texts = ()
    domains: Texts = ()
    status: Literal["", "live", "in_progress", "overdue", "failing"] = ""
    as_of: AsOf = ""


class ShowInitiative(Parameters):
    """An initiative to open."""

    initiative: str
    as_of: AsOf = ""


class NewInitiative(Parameters):
    """An initiative to register; without an owner it is the acting person, without a team theirs."""

    name: str
    purpose: str
    domain: str = "other"
    team: str = ""
    owner: str = ""
    builder: str = ""
    short_name: str = ""
    answers: dict[str, Texts]


class NewEvidence(Parameters):
    """Evidence: a link, or a file's name with its content in base64."""

    initiative: str
    measure: str
    title: str
    link: str = ""
    file_name: str = ""
    content_base64: str = ""


class VersionLinks(Parameters):
    """What a version was made of and where it lies; empty where nothing is known."""

    notes: str = ""
    artifact_uri: str = ""
    artifact_sha256: str = ""
    data_uri: str = ""
    data_sha256: str = ""
    data_kind: Literal["", "full", "sample"] = ""
    code_uri: str = ""
    code_commit: str = ""
    environment_uri: str = ""
    environment_sha256: str = ""
    image_uri: str = ""
    image_sha256: str = ""
    metrics_uri: str = ""
    metrics_sha256: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)


class NewVersion(VersionLinks):
    """A model version to register, with links to what it was made of."""

    initiative: str
    version: str
    role: Literal["champion", "challenger"] = "champion"
    algorithm: str
    task: str


class ChecksToRun(Parameters):
    """Checks to run; none named runs all that apply."""

    initiative: str
    checks: Texts = ()


class GateToDecide(Parameters):
    """A gate to decide now, on record."""

    initiative: str
    gate: str


class GateToAsk(Parameters):
    """A gate to ask about; nothing is recorded."""

    initiative: str
    gate: str
    as_of: AsOf = ""


class NewClass(Parameters):
    """Another class for an initiative than its answers lead to."""

    initiative: str
    class_id: str
    justification: str


class AsOfParameters(Parameters):
    """A moment to read from."""

    as_of: AsOf = ""


class NewPerson(Parameters):
    """Somebody for the directory; the same id again replaces what is known of them."""

    person: str
    name: str
    team: str = ""
    title: str = ""
    roles: Texts = ()


class RecordToRead(Parameters):
    """Entries of the record, newest first; empty filters let all through."""

    initiative: str = ""
    action: str = ""
    actor: str = ""
    most: Annotated[int, Field(ge=1, le=10_000)] = 50
    skip: Annotated[int, Field(ge=0)] = 0
    as_of: AsOf = ""
