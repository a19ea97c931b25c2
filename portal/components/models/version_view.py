"""Model versions on screen: choosing, the registry, reproducibility, what to do, and two side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import AmendModelVersion, PromoteVersion, RetireVersion
from core.domain.facts.recorded import values_of
from core.domain.given import shown_address
from core.domain.models.model_versions import GRADES, STATES
from core.domain.policy.checks import TRUSTED_BY
from core.services.models.versions import (
    amend_model_version,
    promote_version,
    retire_version,
)
from portal.components.cards import Card, cards
from portal.components.forms import Ask, form
from portal.components.initiative.sections import deploy_form, links_of
from portal.components.page import panel
from portal.components.pills import pill_html, shape_html
from portal.components.slices.version_view import change_chart
from portal.components.tables import Column, live_table, plain_table
from portal.components.text import count, day, escape, escape_html, humanise, number, percent
from portal.components.url_inputs import set_url, url_choice

if TYPE_CHECKING:
    from core.analytics.slices.report import SliceChange, SliceFigures
    from core.lake.models import RegistryLine
    from core.services.models.version_comparison import (
        Comparison,
        DecaySide,
        MetricPair,
        Pair,
        SlicesSide,
        VersionFace,
    )
    from core.services.models.versions import RunLine
    from portal.components.desk import Desk


def version_choice(titles: Mapping[str, str], known: str, *, clears: Sequence[str] = ()) -> None:
    """Let people choose a model version.

    Parameters
    ----------
    titles
        `initiative/version` -> words on screen.
    known
        The one that is shown.
    clears
        Names that leave the address with another version, as they no longer fit.
    """
    st.session_state["version-choice"] = known
    st.selectbox(
        "Model version",
        list(titles),
        key="version-choice",
        format_func=lambda one: titles.get(one, one),
        on_change=_to_address,
        args=(tuple(clears),),
    )


def _to_address(clears: tuple[str, ...]) -> None:
    initiative, _, version = st.session_state["version-choice"].rpartition("/")
    set_url(id=initiative, version=version, **dict.fromkeys(clears, ""))


REGISTRY = [
    Column("name", "Model", strong=True, width=215),
    Column("version", "Version", width=72),
    Column("state", "State", "status", width=120),
    Column("team", "Team", phone=False, width=150),
    Column("grade_state", "Reproducibility", "status", phone=False, width=178),
    Column("algorithm", "Algorithm", phone=False, width=160),
    Column("predictions", "Predictions", "number", phone=False, width=98),
    Column("recorded_at", "Registered", "day", phone=False, width=104),
]
OWN: list[Column[VersionFace]] = [
    Column(lambda face: face.version.version, "Version", strong=True),
    Column(lambda face: face.version.state, "State", "status"),
    Column(lambda face: f"grade_{face.grade.rung}", "Reproducibility", "status"),
    Column(lambda face: face.version.algorithm, "Algorithm", phone=False),
    Column("predictions", "Predictions", "number", phone=False),
    Column(
        lambda face: f"{day(face.version.recorded_at)} by {face.version.actor_name}",
        "Registered",
        phone=False,
    ),
    Column(
        lambda face: f"{day(face.approval.recorded_at)}, frozen" if face.approval else "",
        "Approved",
        phone=False,
    ),
    Column(lambda face: face.version.notes, "Notes", phone=False),
]


def registry_cards(rows: Sequence[RegistryLine]) -> None:
    """Count the current versions by how well they can be made again, and what is in production."""
    current = [row for row in rows if row.current]
    running = sum(row.state == "production" for row in rows)
    items = [Card("In production", str(running), note="Versions, those beside another one among them.")]
    for rung in (3, 2, 1, 0):
        amount = sum(row.grade == rung for row in current)
        status = {3: "grade_3", 2: "grade_2", 1: "grade_1", 0: "grade_0"}[rung]
        items.append(
            Card(GRADES[rung], str(amount), status=status, note=f"Of {len(current)} current versions.")
        )
    cards(items, min_column_width=190)


def registry_table(rows: Sequence[RegistryLine]) -> RegistryLine | None:
    """Show versions in use or to come; give the line that is clicked."""
    return live_table(
        rows,
        REGISTRY,
        key="registry",
        select=True,
        download="model-registry",
        height=600,
        alt="Versions in use or to come of all models with state and reproducibility",
    )


def own_versions(faces: Sequence[VersionFace]) -> None:
    """Show the versions of one model, newest first."""
    beside = sum(face.version.state == "registered" for face in faces)
    caption = f"{count(len(faces), 'version')}, newest first"
    caption += f"; {count(beside, 'version')} beside the current one." if beside else "."
    with panel("Versions", caption):
        plain_table(faces, OWN, caption="Versions with state and reproducibility", download="versions")


_RUNS: list[Column[RunLine]] = [
    Column("version", "Version", strong=True),
    Column("role", "As", "status"),
    Column("since", "From", "minute"),
    Column("ended_at", "To", "minute"),
    Column("actor_name", "Put there by", phone=False),
    Column(lambda run: run.ended_because if run.ended_at else "", "Ended because"),
    Column("ended_by_name", "Ended by", phone=False),
]


def production_panel(runs: Sequence[RunLine], *, whole: bool) -> None:
    """Show what ran in production from when to when; of all models or of one."""
    of_model: list[Column[RunLine]] = [Column("name", "Model", strong=True)] if whole else []
    with panel("What ran when", "Times in production, those that run first; what has no end runs."):
        if not runs:
            st.caption("Nothing has been put into production yet.")
            return
        columns = [*of_model, *_RUNS]
        plain_table(runs, columns, caption="Times in production", download="production-history")


def ladder_panel(faces: Sequence[VersionFace]) -> None:
    """Show for each version what of the ladder is recorded and what is not."""
    rule = "Graded by what is recorded: an address without a digest proves nothing."
    with panel("Reproducibility", rule):
        body = "".join(_ladder_html(face) for face in faces)
        st.html(f'<div class="gp-ladders">{body}</div>')


def _ladder_html(face: VersionFace) -> str:
    rungs = "".join(
        f'<li class="{"gp-rung-on" if rung <= face.grade.rung else ""}">'
        f'<div class="gp-rung-title">{rung}. {escape_html(title)}</div>'
        + "".join(
            f"<div>{_mark(need.found)}{escape_html(need.words)}</div>"
            for need in face.grade.needs
            if need.rung == rung
        )
        + "</li>"
        for rung, title in list(enumerate(face.grade.titles))[1:]
    )
    head = f"Version {escape_html(face.version.version)} {pill_html(f'grade_{face.grade.rung}')}"
    return f'<div class="gp-ladder"><h3>{head}</h3><ol>{rungs}</ol></div>'


def _mark(found: bool) -> str:
    shape, tone, said = ("circle", "good", "recorded") if found else ("ring", "bad", "missing")
    mark = shape_html(shape).replace("gp-shape", f"gp-shape gp-{tone}-ink", 1)  # type: ignore[arg-type]
    return f'<span role="img" aria-label="{said}">{mark}</span> '


_KINDS = {"": "As it is", "full": "In full", "sample": "A sample"}


def version_actions(desk: Desk, initiative: str, faces: Sequence[VersionFace]) -> None:
    """Offer what may become of one of the versions; say why where that is not possible."""
    titles = {
        face.version.version: f"{face.version.version} ({STATES[face.version.state].lower()})"
        for face in faces
    }
    by_version = {face.version.version: face for face in faces}
    version = st.selectbox("Version", list(titles), format_func=lambda one: titles[one], key="act-version")
    face = by_version[version]
    promote, deploy, retire, amend = st.tabs(["Put forward", "Put into production", "Retire", "Fill in"])
    with promote:
        _promote(desk, initiative, face)
    with deploy:
        deploy_form(desk, initiative, version)
    with retire:
        _retire(desk, initiative, face)
    with amend:
        _amend(desk, initiative, face)


def _promote(desk: Desk, initiative: str, face: VersionFace) -> None:
    version = face.version.version
    ask = Ask(
        "Put forward",
        f"Version {version} is now the current one.",
        icon=":material/upgrade:",
        primary=True,
        says="The gates are asked about it from then on; what is in production stays there.",
        fixed={"initiative": initiative, "version": version},
        because="This is the current version already." if face.version.current else "",
    )
    form(desk, promote_version, PromoteVersion, ask)


def _retire(desk: Desk, initiative: str, face: VersionFace) -> None:
    version, state = face.version.version, face.version.state
    current = "It is the current version. Without it none counts until you put another one forward."
    ask = Ask(
        "Retire",
        f"Version {version} is retired.",
        icon=":material/archive:",
        primary=True,
        says=current if face.version.current else "",
        fixed={"initiative": initiative, "version": version},
        because="This version is retired already." if state == "retired" else "",
    )
    form(desk, retire_version, RetireVersion, ask)


def _amend(desk: Desk, initiative: str, face: VersionFace) -> None:
    version = face.version.version
    there, data = values_of(face.version), "data" in face.kind.parts
    on = f"{face.approval.recorded_at:%Y-%m-%d}" if face.approval else ""
    ask = Ask(
        "Fill in",
        f"Version {version} is amended.",
        icon=":material/edit:",
        primary=True,
        says="What you leave empty stays as it is; what was there before stays on record.",
        rows=(*links_of(face.kind), ("data_kind", "notes") if data else "notes", "metrics", "reason"),
        fixed={"initiative": initiative, "version": version},
        choices={"data_kind": _KINDS},
        titles={"environment_uri": "Address of the lock file", "metrics": "Metrics to add"},
        hints={link: str(there[link] or "Not recorded") for pair in links_of(face.kind) for link in pair}
        | {"notes": face.version.notes},
        because=f"Approved on {on}, and frozen since. Register a new version instead." if on else "",
    )
    form(desk, amend_model_version, AmendModelVersion, ask)


_MADE_OF_URIS = ("Model file", "Training data", "Code", "Lock file", "Image of the machine")


def sides(found: Comparison) -> None:
    """Head of the comparison: both versions with state, grade and approval."""
    st.html(f'<div class="gp-sides">{_side(found.left)}{_side(found.right)}</div>')


def _side(face: VersionFace) -> str:
    one = face.version
    pills = f"{pill_html(one.state)} {pill_html(f'grade_{face.grade.rung}')}"
    approved = (
        f"Approved on {day(face.approval.recorded_at)}; frozen since."
        if face.approval
        else "Not approved yet."
    )
    notes = f"<p>{escape_html(one.notes)}</p>" if one.notes else ""
    return (
        f'<div class="gp-side"><div class="gp-side-head">Version {escape_html(one.version)} {pills}</div>'
        f"<p>{escape_html(one.algorithm)}, registered {day(one.recorded_at)} by "
        f"{escape_html(one.actor_name)}. {escape_html(approved)}</p>{notes}</div>"
    )


def metrics_panel(found: Comparison) -> None:
    """Recorded metrics of both, with the change and which way is better."""
    names = _names(found)
    with panel("Metrics", "As recorded with each version; the change is right minus left."):
        if not found.metrics:
            st.caption("No metrics are on record for either version.")
            return
        columns: list[Column[MetricPair]] = [
            Column("title", "Metric", strong=True),
            Column(lambda one: number(one.left, 4), names[0]),
            Column(lambda one: number(one.right, 4), names[1]),
            Column(lambda one: _signed(one.change), "Change", phone=False),
            Column(
                lambda one: {True: "better", False: "worse", None: None}[one.better],
                f"{names[1]} is",
                "status",
            ),
        ]
        plain_table(found.metrics, columns, caption="Metrics side by side")


def _signed(change: float | None) -> str | None:
    return None if change is None else f"{change:+.4f}".replace("-", "\u2212")


def made_of_panel(found: Comparison) -> None:
    """Model file, data, code and environment of both, and whether they are the same by their digests."""
    names = _names(found)
    rule = "Whether two things are the same is told by digest or commit; an address alone tells nothing."
    with panel("What they were made of", rule):
        rows = [one for one in found.made_of if one.left or one.right]
        missing = [one.label for one in found.made_of if not one.left + one.right]
        columns: list[Column[Pair]] = [
            Column("part", "Part", phone=False),
            Column("label", "What", strong=True),
            Column(lambda one: _shown(one.label, one.left), names[0]),
            Column(lambda one: _shown(one.label, one.right), names[1]),
            Column("sameness", "They are", "status"),
        ]
        plain_table(rows, columns, caption="Links and digests side by side")
        if missing:
            st.caption(escape(f"Recorded for neither: {', '.join(dict.fromkeys(missing)).lower()}."))


def _shown(label: str, value: str) -> str:
    """Addresses as text only; a digest by its first and last digits."""
    if label in _MADE_OF_URIS or label == "Snapshot of the metrics":
        return shown_address(value)
    if label in ("Its sha256", "Commit") and len(value) > 20:
        return f"{value[:10]}…{value[-6:]}"
    return humanise(value) if label == "What it predicts" else value


def slices_panel(found: Comparison) -> None:
    """One feature's slices of both versions, drawn and as a table."""
    slices, names, report = found.slices, _names(found), found.slices.report
    title = f"{report.metric.title} by {humanise(slices.by).lower()}" if report else "Slices"
    with panel(title, "The same metric for the same groups, each version on its own predictions."):
        if len(slices.features) > 1:
            titles = {feature: humanise(feature) for feature in slices.features}
            url_choice("Slice by", titles, "by", default=slices.by, width=240)
        for name, side in zip(names, (slices.left, slices.right), strict=True):
            if side.note:
                st.caption(escape(f"{name}: {side.note}"))
        if report is None:
            return
        change_chart(slices.changes, report, (names[1], names[0]))
        if slices.left.slices and slices.right.slices and slices.right.slices.cuts:
            st.caption(escape(f"Bands are those of {names[1]}, so that a slice means the same in both."))
        _slices_table(found, names, rate=report.metric.form == "rate")
        for name, side in zip(names, (slices.left, slices.right), strict=True):
            st.caption(escape(_summary(name, side)))


def _slices_table(found: Comparison, names: tuple[str, str], *, rate: bool) -> None:
    columns: list[Column[SliceChange]] = [
        Column("label", "Slice", strong=True),
        Column(lambda change: _value(change.other, rate=rate), names[0]),
        Column(lambda change: change.other and change.other.verdict, "Verdict", "status", phone=False),
        Column(lambda change: _value(change.now, rate=rate), names[1]),
        Column(lambda change: change.now and change.now.verdict, "Verdict", "status", phone=False),
    ]
    plain_table(found.slices.changes, columns, caption="Slices of both versions")


def _value(line: SliceFigures | None, *, rate: bool) -> str | None:
    if line is None or not line.n:
        return None
    if line.value is None:
        return "undefined"
    return f"{percent(line.value, 1) if rate else number(line.value, 3)} of {count(line.n, 'row')}"


def _summary(name: str, side: SlicesSide) -> str:
    if side.slices is None:
        return f"{name}: nothing to judge."
    report = side.slices.report
    return f"{name}: {report.note}"


def decay_panel(found: Comparison) -> None:
    """Decay of both versions; where there is none, why."""
    names = _names(found)
    with panel("Performance over time", "The newest estimate of each version, and how often it was worse."):
        body = "".join(_decay_html(name, side) for name, side in zip(names, found.decay, strict=True))
        st.html(f'<div class="gp-sides">{body}</div>')


def _decay_html(name: str, side: DecaySide) -> str:
    head = f'<div class="gp-side-head">{escape_html(name)}</div>'
    if side.note or side.metric is None:
        return f'<div class="gp-side">{head}<p>{escape_html(side.note)}</p></div>'
    share = side.metric.unit == "percent"
    shown = percent(side.estimate, 1) if share else number(side.estimate, 3)
    realised = percent(side.realised, 1) if share else number(side.realised, 3)
    quiet = "no_alert" if side.chunks else "no_data"
    alert = pill_html("alert" if side.worse or side.realised_worse else quiet)
    said = (
        f"{count(side.realised_worse, 'chunk')} of {side.chunks:,} came true worse, {side.worse:,} estimated "
        f"worse. Realised last: {realised}."
    )
    said = f"{said} Trust by {TRUSTED_BY}."
    trust = pill_html(side.trust, f"Trust in estimates: {side.trust.replace('_', ' ')}")
    return (
        f'<div class="gp-side">{head}<p>{escape_html(side.metric.title)}, estimated</p>'
        f'<div class="gp-side-head"><span class="gp-big">{escape_html(shown)}</span>{alert}</div>'
        f"<p>{escape_html(said)}</p><p>{trust}</p></div>"
    )


def _names(found: Comparison) -> tuple[str, str]:
    return f"Version {found.left.version.version}", f"Version {found.right.version.version}"
