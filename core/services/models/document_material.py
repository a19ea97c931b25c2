"""What the documents of an initiative are written from, read once, and how they write numbers and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.analytics.decay.metrics import DecayMetric
from core.domain.errors import BadInput, NotFound
from core.domain.facts.process import CheckRun, Finding, SignOff, Waiver
from core.domain.models.model_versions import STATES
from core.domain.moment import Moment
from core.domain.process.facts import EvidenceLine
from core.lake.facts import history, newest_of
from core.lake.monitoring import readings as lake_monitoring
from core.services.governance import Governance
from core.services.measured import bias
from core.services.measured.decay import DecayReport, decay_report
from core.services.measured.slice_batches import Part
from core.services.models.lineage import BadData, UseLine, bad_data_of, data_of
from core.services.models.version_comparison import VersionFace, version_faces
from core.services.process.initiatives import InitiativeSheet, initiative_sheet


def day(value: date | datetime | None) -> str:
    """A day as `23 Nov 2026`; empty for none."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


def amount(number: int, one: str) -> str:
    """A number with its noun: `1 chunk`, `12 chunks`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def level(value: float | None, form: str) -> str:
    """A metric of a slice; an undefined one is never a number."""
    if value is None:
        return "undefined"
    return f"{value:.1%}" if form == "rate" else f"{value:,.4g}"


def share(value: float | None, unit: str) -> str:
    """A metric of a whole model; empty where it is not known."""
    if value is None:
        return ""
    return f"{value:.1%}" if unit == "percent" else f"{value:,.4g}"


def list_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> list_words(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = words or ("nothing",)
    return f"{', '.join(most)} and {last}" if most else last


@dataclass(frozen=True)
class SlicedFeature:
    """Slices of one sensitive feature, or in `note` why there are none."""

    feature: str
    note: str
    found: bias.BiasSlices | None


@dataclass(frozen=True)
class Material:
    """Everything that a document says; `face` is None where there is no version to describe."""

    governance: Governance
    moment: Moment
    sheet: InitiativeSheet
    faces: tuple[VersionFace, ...]
    face: VersionFace | None
    data: tuple[UseLine, ...]
    bad: tuple[BadData, ...]
    slices: tuple[SlicedFeature, ...]
    decay: DecayReport | None
    evidence: tuple[EvidenceLine, ...]
    checks: tuple[CheckRun, ...]
    sign_offs: tuple[SignOff, ...]
    waivers: tuple[Waiver, ...]
    findings: tuple[Finding, ...]
    names: dict[str, str]

    @property
    def version(self) -> str:
        """The version described; empty where there is none."""
        return self.face.version.version if self.face else ""

    @property
    def state(self) -> str:
        """What the version is to its initiative, in words."""
        return STATES[self.face.version.state] if self.face else ""

    @property
    def metric(self) -> DecayMetric | None:
        """The metric of its decay."""
        return self.decay.metric if self.decay else None

    def name(self, actor: str | None) -> str:
        """A person's name, or the id where the directory has none."""
        return self.names.get(actor or "", actor or "")


def gather(governance: Governance, moment: Moment, initiative: str, version: str) -> Material:
    """Read what a document needs; without a version the current one is described."""
    sheet = initiative_sheet(governance, moment, initiative=initiative)
    faces = version_faces(governance, moment, initiative=initiative)
    face = _described(faces, initiative, version)
    label = face.version.version if face else ""
    store = governance.store
    names = {person.id: person.name for person in governance.people()}
    data = data_of(governance, moment, initiative=initiative)
    counting = ("", label) if version else None
    return Material(
        governance,
        moment,
        sheet,
        faces,
        face,
        tuple(line for line in data if (line.version in counting if counting else line.counts)),
        bad_data_of(governance, moment, initiative=initiative),
        _slices(governance, moment, initiative, label),
        _decay(governance, moment, initiative, label),
        tuple(line for line in sheet.evidence if line.version in (None, label)),
        _latest_runs(sheet, label),
        history(store, SignOff, moment, initiative),
        newest_of(history(store, Waiver, moment, initiative)),
        newest_of(history(store, Finding, moment, initiative)),
        names,
    )


def _described(faces: tuple[VersionFace, ...], initiative: str, version: str) -> VersionFace | None:
    if not version:
        return next((face for face in faces if face.version.current), None)
    found = next((face for face in faces if face.version.version == version), None)
    if found is None:
        labels = ", ".join(face.version.version for face in faces[:12])
        raise NotFound(
            f"{initiative} has no version '{version[:20]}'",
            remedy=f"Choose one of: {labels}." if labels else "Register a model version first.",
        )
    return found


def _latest_runs(sheet: InitiativeSheet, version: str) -> tuple[CheckRun, ...]:
    """The latest run of each check on the version, or on the initiative itself."""
    found: dict[str, CheckRun] = {}
    for run in sheet.check_runs:  # newest first
        if run.version in (None, version):
            found.setdefault(run.check_id, run)
    return tuple(found.values())


def _slices(
    governance: Governance, moment: Moment, initiative: str, version: str
) -> tuple[SlicedFeature, ...]:
    batches = lake_monitoring.batches(governance.store, initiative, version, moment) if version else ()
    if not batches:
        return ()
    part: Part = "analysis" if any(batch.part == "analysis" for batch in batches) else "reference"
    return tuple(
        _sliced(governance, moment, initiative, version, feature, part) for feature in batches[-1].sensitive
    )


def _sliced(
    governance: Governance, moment: Moment, initiative: str, version: str, feature: str, part: Part
) -> SlicedFeature:
    try:
        found = bias.bias_slices(
            governance, moment, initiative=initiative, version=version, by=(feature,), part=part
        )
    except BadInput as problem:  # what cannot be sliced is said, not hidden
        return SlicedFeature(feature, str(problem), None)
    return SlicedFeature(feature, "", found)


def _decay(governance: Governance, moment: Moment, initiative: str, version: str) -> DecayReport | None:
    if not version:
        return None
    try:
        return decay_report(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return None
