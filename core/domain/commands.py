"""What actors can ask for: one frozen value per command, checked as it is made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, TypeVar, Unpack

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from core.domain.actors import Actor
from core.domain.errors import BadInput
from core.domain.given import SCHEMES, Content, GateId, InitiativeId, Shown, TextOf, argument, option, pairs
from core.domain.moment import require_utc
from core.ground import LEARNED, Checked, ProductionRole, Task


def _one_line(text: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise ValueError("holds control characters; leave them out")
    return text


def _as_day(value: object) -> object:
    """Read a day as people write it; on its own, pydantic takes a bare number for one too."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"'{value[:40]}' is no day; write it like 2026-03-31") from None


Day = Annotated[date, BeforeValidator(_as_day)]
HoldsFrom = Annotated[
    Day | None,
    Field(title="Holds from", description="First day on which it holds, like 2026-12-31; at once if empty."),
    option("--holds-from", metavar="DAY"),
]
TeamName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_one_line)
]
Name = Annotated[TeamName, StringConstraints(min_length=3)]
Words = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_one_line)]
ShortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=64)]
Digest = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Commit = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")]


def _safe_link(text: str) -> str:
    scheme = text.split("://", 1)[0].split("+", 1)[0]
    if text and scheme not in SCHEMES:
        raise ValueError(f"'{scheme[:20]}' is no way to files or pages; begin it with https:// or s3://, say")
    return text


Link = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z][a-z0-9+.\-]*://\S+)?$", max_length=500),
    AfterValidator(_safe_link),
]
FileName = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]


Whose = Literal["own", "any"]


class Command(Checked):
    """Who asks, and when (UTC). Only entry points read the clock.

    `may` is the action that a role has to allow, said with the class; see `core.domain.actors.ACTIONS`. What
    is done to an initiative is done by those who have a tie to it, or whose role works on all, unless
    `whose` says that anybody's will do. Where a command is about one thing of an initiative only, `thing` is
    the field that names it: proposals about others do not stand in its way.
    """

    may: ClassVar[str]
    whose: ClassVar[Whose]
    thing: ClassVar[str] = ""

    actor: Actor
    at: Annotated[datetime, AfterValidator(require_utc)]

    def __init_subclass__(cls, *, may: str, whose: Whose = "own", **more: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**more)
        cls.may, cls.whose = may, whose

    @property
    def about(self) -> str:
        """The initiative that it names; empty where it names none."""
        return str(getattr(self, "initiative", None) or "")


_READING = Field(title="Who may read it", description="open, unit or restricted; else as its domain says.")
_READ_BY = Shown(help="Beside its people and roles that work on all; stricter than its domain, never less.")


class RegisterInitiative(Command, may="register_initiative"):
    """Register an initiative; on a terminal the questions are asked one by one."""

    name: Annotated[Name, Field(description="What it is called.")]
    purpose: Annotated[
        Words,
        Field(min_length=10, title="Purpose", description="What it is for, in a sentence."),
        Shown("What it decides or helps to decide, and for whom.", lines=True),
    ]
    team: Annotated[
        TeamName | None, Field(description="The team; the acting person's where none is named.")
    ] = None
    owner: Annotated[str | None, Field(description="Who owns it; the acting person where none is named.")] = (
        None
    )
    builder: Annotated[str, Field(description="Who builds it.")] = ""
    domain: Annotated[str, Field(description="Business domain.")] = "other"
    reading: Annotated[Literal["", "open", "unit", "restricted"], _READING, _READ_BY] = ""
    short_name: Annotated[
        ShortName | Literal[""], Field(description="Technical name; made from the name.")
    ] = ""
    kind: Annotated[
        str,
        Field(description="Kind of model, as the policy lists them; with +bought where it is bought."),
    ] = LEARNED
    answers: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="QUESTION=OPTION; once a question, or more."),
        option("--answer"),
    ]


class AmendInitiative(Command, may="register_initiative"):
    """Change what was registered; what is not given stays as it is."""

    initiative: InitiativeId
    name: Annotated[Name | None, Field(title="Name", description="What it is called.")] = None
    short_name: Annotated[ShortName | None, Field(title="Short name", description="Technical name.")] = None
    purpose: Annotated[
        Words | None, Field(title="Purpose", description="What it is for, in a sentence."), Shown(lines=True)
    ] = None
    owner: Annotated[str | None, Field(title="Owner", description="Who owns it, by id.")] = None
    builder: Annotated[str | None, Field(title="Builder", description="Who builds it, by id.")] = None
    reading: Annotated[Literal["", "open", "unit", "restricted"] | None, _READING, _READ_BY] = None


class Alone(Checked):
    """What one person may do alone in an emergency, where a role also allows `declares`."""

    declares: ClassVar[str] = "declare_emergency"

    emergency: Annotated[
        bool,
        Field(
            title="It is an emergency",
            description="At once and alone, for a few days; a finding until a second person agrees.",
        ),
    ] = False


class OverrideClassification(Alone, Command, may="override_classification"):
    """Put an initiative into another class than its answers lead to; a lower one only if a second agrees."""

    initiative: InitiativeId
    class_id: Annotated[
        str,
        Field(title="Put it into class", description="low, moderate, high or very_high."),
        argument("CLASS"),
    ]
    justification: Annotated[
        Words,
        Field(min_length=20, title="Reason", description="Why, in a sentence or two."),
        Shown(lines=True, help="At least 20 characters; it stays on record."),
    ]
    until: Annotated[
        Day | None,
        Field(title="Until", description="Last day of a class below the one that the answers lead to."),
        Shown(help="Needed below the class that the answers lead to, which then holds again."),
    ] = None
    compensation: Annotated[
        Words,
        Field(title="What is done instead", description="What is done instead of what a lower class drops."),
        Shown(lines=True, help="Needed below the class that the answers lead to."),
    ] = ""


def _metrics(texts: list[str]) -> dict[str, float]:
    """Read repeated `name=number` options; the last of a name counts."""
    found = {}
    for name, values in pairs(texts, "--metric", "--metric roc_auc=0.84").items():
        try:
            found[name] = float(values[-1])
        except ValueError:
            raise BadInput(
                f"'{values[-1][:40]}' is not a number",
                where="--metric",
                remedy="Write it like --metric roc_auc=0.84.",
            ) from None
    return found


_DIGEST = Shown("64 hexadecimal digits")
PartWords = Annotated[Words, StringConstraints(max_length=300)]
Sha256 = Annotated[Digest, Field(title="Its sha256", description="Its sha256."), _DIGEST]


class VersionLinks(Checked):
    """What a model version was made of: addresses, with the digests that hold them to one content."""

    artifact_uri: Annotated[
        Link,
        Field(title="Address of the model file", description="Address of the model file."),
        option("--artifact"),
        Shown("s3://models/scoring/1"),
    ] = ""
    artifact_sha256: Sha256 = ""
    data_uri: Annotated[
        Link,
        Field(title="Address of the training data", description="Address of the training data."),
        option("--data"),
        Shown("s3://data/scoring"),
    ] = ""
    data_sha256: Sha256 = ""
    data_kind: Annotated[
        Literal["", "full", "sample"],
        Field(title="Training data is kept", description="full or sample: what lies there."),
    ] = ""
    code_uri: Annotated[
        Link,
        Field(title="Address of the code", description="Address of the code."),
        option("--code"),
        Shown("https://git.example.org/scoring"),
    ] = ""
    code_commit: Annotated[
        Commit,
        Field(title="Full commit", description="Its full commit."),
        option("--commit"),
        Shown("40 or 64 hexadecimal digits"),
    ] = ""
    environment_uri: Annotated[
        Link,
        Field(title="Address of the environment's lock file", description="Address of the lock file."),
        option("--environment"),
        Shown("https://git.example.org/scoring/lock"),
    ] = ""
    environment_sha256: Annotated[
        Digest, Field(title="Its sha256", description="Lock file's sha256."), _DIGEST
    ] = ""
    image_uri: Annotated[
        Link,
        Field(
            title="Address of the image of the machine", description="Address of the image of the machine."
        ),
        option("--image"),
        Shown("oci://images/scoring"),
    ] = ""
    image_sha256: Sha256 = ""
    metrics_uri: Annotated[
        Link,
        Field(
            title="Address of the snapshot of the metrics",
            description="Address of the snapshot of the metrics.",
        ),
        option("--metrics"),
        Shown("s3://metrics/scoring/1"),
    ] = ""
    metrics_sha256: Sha256 = ""
    base_model: Annotated[
        PartWords,
        Field(title="Base model", description="Base model that it calls."),
        Shown("vendor-large"),
    ] = ""
    base_version: Annotated[
        PartWords,
        Field(title="Its version", description="The base model's pinned version."),
        Shown("2026-02-01"),
    ] = ""
    prompts_uri: Annotated[
        Link,
        Field(title="Address of the prompts", description="Address of the prompts."),
        option("--prompts"),
        Shown("https://git.example.org/prompts"),
    ] = ""
    prompts_sha256: Sha256 = ""
    index_uri: Annotated[
        Link,
        Field(
            title="Address of the index that it retrieves from",
            description="Address of the index that it retrieves from.",
        ),
        option("--index"),
        Shown("s3://index/claims/3"),
    ] = ""
    index_sha256: Sha256 = ""
    tools: Annotated[
        PartWords,
        Field(
            title="Tools, servers and endpoints that it may reach",
            description="Tools, servers and endpoints that it may reach.",
        ),
        Shown("refunds: write; claims: read"),
    ] = ""
    acts_as: Annotated[
        PartWords,
        Field(title="Acts as", description="Identity that it acts as, with whose rights."),
        Shown("svc-refunds, refunds up to 200 euros"),
    ] = ""
    budget: Annotated[
        PartWords,
        Field(title="Budget", description="What it may spend or do, in which time."),
        Shown("5,000 euros a day"),
    ] = ""
    stopped_by: Annotated[
        PartWords,
        Field(title="Stopped by", description="Who stops it, and how."),
        Shown("Claims on call, by one switch"),
    ] = ""
    supplier: Annotated[
        PartWords,
        Field(title="Supplier", description="Who made what is bought."),
        Shown("Example Devices"),
    ] = ""
    supplier_version: Annotated[
        PartWords,
        Field(title="Supplier's version", description="The supplier's version."),
        Shown("4.2"),
    ] = ""
    contract: Annotated[
        PartWords,
        Field(title="Contract", description="The contract: number, dates, where it lies."),
        Shown("C-2026-118, until June 2028"),
    ] = ""
    metrics: Annotated[
        dict[str, float],
        Field(title="Metrics", description="NAME=VALUE; repeat for more."),
        option("--metric", read=_metrics),
        Shown("roc_auc = 0.81", help="One metric a line, as name = value.", lines=True),
    ] = Field(default_factory=dict)
    notes: Annotated[
        Words,
        Field(title="Notes", description="What changed, and why."),
        Shown("What changed since the last version"),
    ] = ""


VersionLabel = Annotated[
    str, Field(title="Version", description="Its label, such as 2."), argument("VERSION")
]
VersionReason = Annotated[
    Words, Field(min_length=5, title="Why", description="Why, in a sentence; it stays on record.")
]


class NewVersion(Checked):
    """What a model version is called, and what it is."""

    initiative: InitiativeId
    version: Annotated[
        VersionLabel, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=20)
    ]
    algorithm: Annotated[
        Name, Field(title="Algorithm", description="What was trained, in words."), Shown("Gradient boosting")
    ]
    task: Annotated[
        Task | Literal[""],
        Field(
            title="What it predicts", description="binary, regression or multiclass; none where cases judge."
        ),
    ] = ""
    role: Annotated[
        Literal["champion", "challenger"],
        Field(title="It becomes", description="Beside the current version, until it is put forward."),
        option("--challenger", flag="challenger"),
    ] = "champion"


class RegisterModelVersion(VersionLinks, NewVersion, Command, may="register_model_version"):
    """Register a model version with links to what it was made of.

    It becomes the candidate about which the gates are asked, unless one is in production: then beside it.
    """


class AmendModelVersion(Command, VersionLinks, may="register_model_version"):
    """Fill in what a version's registration left out, until it is approved."""

    initiative: InitiativeId
    version: VersionLabel
    reason: Annotated[VersionReason, Shown("It was left out at registration")]


class PromoteVersion(Command, may="promote_version"):
    """Put a version forward as the candidate: the gates are asked about it; what is in production stays."""

    initiative: InitiativeId
    version: VersionLabel
    reason: Annotated[VersionReason, Shown(lines=True)]


class DeployVersion(Alone, Command, may="deploy_version"):
    """Put the current version into production, if the gate that makes live is open.

    A challenger, a shadow and one side of an A/B test stand beside the version that is in production.
    """

    initiative: InitiativeId
    version: Annotated[
        str,
        Field(
            title="Version", description="Its label; the current one, or the use itself where there is none."
        ),
        argument("VERSION"),
    ] = ""
    role: Annotated[
        ProductionRole,
        Field(title="As", description="production, challenger, shadow or ab_test."),
        option("--as"),
    ] = "production"
    reason: Annotated[
        Words, Field(title="Why", description="What should be known of it; it stays on record.")
    ] = ""


class RetireVersion(Command, may="retire_version"):
    """Take a version out of use and out of production; if it is the current one, none is after that."""

    initiative: InitiativeId
    version: VersionLabel
    reason: Annotated[VersionReason, Shown(lines=True)]


class SubmitEvidence(Command, may="submit_evidence"):
    """Submit evidence for a measure: a link or a file."""

    initiative: InitiativeId
    measure: Annotated[str, Field(description="The measure, as 'governance show' lists it."), argument()]
    title: Annotated[
        Name,
        Field(title="Title of the evidence", description="What the evidence is."),
        Shown("Log of the retraining run"),
    ]
    link: Annotated[Link, Field(title="Link", description="Where it lies."), Shown("https://…")] = ""
    file_name: FileName = ""
    content: Annotated[
        bytes,
        Field(title="Or a file", description="A file to keep by its digest."),
        Content(),
        option("--file"),
        Shown(help="Kept by its digest, up to 25 MiB."),
    ] = b""
    stands_for: Annotated[
        Day | None,
        Field(
            title="Stands for",
            description="Day that it tells of, from which its freshness counts; by default today.",
        ),
        option(metavar="DAY"),
    ] = None


class RunChecks(Command, may="run_checks"):
    """Run the automatic checks; exit code 1 where one fails or cannot tell."""

    initiative: InitiativeId
    checks: Annotated[
        tuple[str, ...], Field(description="A check by id; repeat for more."), option("--only")
    ] = ()


class DecideGate(Command, may="decide_gate"):
    """Ask whether a gate is open: exit code 0 open, 1 blocked, 2 could not be decided.

    The answer goes on record; with --as-of nothing is recorded.
    """

    initiative: InitiativeId
    gate: GateId


DraftId = Annotated[str, Field(description="Its name, such as P1."), argument("DRAFT")]


class DraftPolicy(Command, may="draft_policy"):
    """Put a draft on record; a wrong one is refused with every fault and its line."""

    text: Annotated[
        str,
        Field(title="Policy file", description="The policy file."),
        TextOf(),
        Shown(endings=("yaml", "yml")),
    ]
    name: Annotated[FileName, Field(description="The file's name, for messages.")] = "policy.yaml"
    note: Annotated[Words, Field(title="Why it is to change", description="Why it is to change.")] = ""
    holds_from: HoldsFrom = None


class ReviewPolicy(Command, may="review_policy"):
    """Approve or reject a draft that somebody else made."""

    draft: DraftId
    outcome: Annotated[
        Literal["approved", "rejected"], Field(title="Your decision", description="approved or rejected.")
    ]
    note: Annotated[Words, Field(min_length=10, title="Why", description="Why; it stays on record.")]


class PublishPolicy(Command, may="publish_policy"):
    """Put an approved draft in force; it never changes from then on."""

    draft: DraftId


C = TypeVar("C", bound=BaseModel)


def make(kind: type[C], /, **values: object) -> C:
    """Make a command from what a person gave, or say which field is wrong and how to mend it."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise BadInput(
            problems(error.errors(include_url=False)),
            where=_words(kind.__name__),
            remedy="Nothing was stored; mend it.",
        ) from error


def problems(found: Sequence[ErrorDetails]) -> str:
    """What pydantic finds wrong, as people say it: one part a wrong field."""
    told = [one for one in found if one.get("ctx", {}).get("expected") != "''"]  # that it may be empty too
    return "; ".join(_problem(one) for one in told or found)


_PATTERN_HELP = {
    "version": "use letters, digits, dots and hyphens",
    "short_name": "use letters, digits, hyphens, underscores and dots",
    "link": "give a full address such as https://…",
    "artifact_uri": "give a full address such as s3://…",
    "data_uri": "give a full address such as s3://…",
    "code_uri": "give a full address such as https://…",
    "environment_uri": "give a full address such as https://…",
    "image_uri": "give a full address such as oci://…",
    "prompts_uri": "give a full address such as https://…",
    "index_uri": "give a full address such as s3://…",
    "metrics_uri": "give a full address such as s3://…",
    "code_commit": "give the full commit, 40 or 64 hexadecimal digits",
}


def _problem(found: ErrorDetails) -> str:
    field = str(found["loc"][0]) if found["loc"] else "input"
    match found["type"]:
        case "missing":
            message = "is missing"
        case "extra_forbidden":
            message = "is not known"
        case "too_short" | "string_too_short":
            message = f"needs at least {found['ctx']['min_length']} {_parts(found['input'])}"
        case "too_long" | "string_too_long":
            message = f"may have at most {found['ctx']['max_length']} {_parts(found['input'])}"
        case "string_pattern_mismatch":
            advice = _PATTERN_HELP.get(field, "give 64 hexadecimal digits")
            message = f"'{str(found['input'])[:60]}' is not in the right form: {advice}"
        case _:
            message = re.sub(r"^(Value error, |String )", "", str(found["msg"]))
            message = message[:1].lower() + message[1:]
    return f"{field.replace('_', ' ')} {message}"


def _parts(given: object) -> str:
    return "characters" if isinstance(given, str) else "values"


def _words(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r" \1", name).lower()


def slug(name: str) -> str:
    """A readable id made from a name: lower case, words joined by hyphens.

    Examples
    --------
    >>> slug("Crédit: Line Increase (2026)")
    'credit-line-increase-2026'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60]
