"""Facts of models: versions, the data they use, and what people wrote about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.facts.recorded import OfInitiative, OfVersion, Recorded
from core.ground import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion(OfVersion):
    """A model version as registered; `metrics` is JSON. Without a task it is judged by cases, not by rows."""

    table = "model_version"

    algorithm: str
    task: Task | None = None
    notes: str
    artifact_uri: str
    artifact_sha256: str
    data_uri: str
    data_sha256: str
    code_uri: str
    code_commit: str
    environment_sha256: str
    metrics: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionState(OfVersion):
    """What became of a version: entered beside another, put forward as the candidate, its time in production.

    It is in production in a `role`, in an emergency through `until`. The version is empty where a use without
    a registered model is put into production.
    """

    table = "version_state"

    state: Literal["challenger", "champion", "deployed", "suspended", "retired"]
    reason: str
    role: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAmendment(OfVersion):
    """What was filled in of a version later; None leaves what was there, `metrics` is JSON."""

    table = "version_amendment"

    reason: str
    notes: str | None = None
    artifact_uri: str | None = None
    artifact_sha256: str | None = None
    data_uri: str | None = None
    data_sha256: str | None = None
    data_kind: str | None = None
    code_uri: str | None = None
    code_commit: str | None = None
    environment_uri: str | None = None
    environment_sha256: str | None = None
    image_uri: str | None = None
    image_sha256: str | None = None
    metrics_uri: str | None = None
    metrics_sha256: str | None = None
    metrics: str | None = None
    base_model: str | None = None
    base_version: str | None = None
    prompts_uri: str | None = None
    prompts_sha256: str | None = None
    index_uri: str | None = None
    index_sha256: str | None = None
    tools: str | None = None
    acts_as: str | None = None
    budget: str | None = None
    stopped_by: str | None = None
    supplier: str | None = None
    supplier_version: str | None = None
    contract: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentText(OfInitiative):
    """What somebody wrote in a section of a document; an empty text takes it back."""

    table = "document_text"
    key = ("initiative", "kind", "section")

    kind: Literal["card", "technical"]
    section: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource(Recorded):
    """Data as described last."""

    table = "data_source"
    subject = "data:{source}"
    key = ("source",)

    source: str
    name: str
    description: str
    team: str
    personal_data: bool
    location: str
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUpstream(Recorded):
    """What data is made of; `holds` false ends it."""

    table = "data_upstream"
    subject = "data:{source}"
    key = ("source", "upstream")

    source: str
    upstream: str
    how: str
    columns: tuple[str, ...]
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse(Recorded):
    """Which data an initiative uses, and how; `holds` false ends it."""

    table = "data_use"
    key = ("initiative", "source", "version", "how")

    source: str
    initiative: str
    version: str
    how: Literal["training", "validation", "scoring", "monitoring", "feedback"]
    columns: tuple[str, ...]
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMark(Recorded):
    """Data marked as bad, or cleared."""

    table = "data_mark"
    subject = "data:{source}"
    key = ("source",)

    source: str
    bad: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessProcess(OfInitiative):
    """The business processes that an initiative serves."""

    table = "business_process"

    processes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile(OfVersion):
    """A model file in a safe format, kept by its digest."""

    table = "model_file"

    path: str
    sha256: str
    bytes: int
    format: str
    features: tuple[str, ...]
