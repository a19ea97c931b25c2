"""Decay of one model version: how far to trust the estimates, the chart, its chunks, and attributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.analytics.decay.metrics import decay_metric
from core.domain.commands import make
from core.domain.policy.checks import TRUSTED_BY
from core.services.measured.decay import said_against, said_preference
from core.services.measured.decay_groups import CALIBRATED_ON, GROUPS_TRUSTED_BY
from core.services.measured.monitoring import (
    CHUNK_ROWS,
    REFRESH,
    RefreshMonitoring,
    refresh_subject,
    start_refresh,
)
from portal.components.canvas import Threshold
from portal.components.cards import Card, cards
from portal.components.charts.bars import Bar, interval_bars
from portal.components.charts.decay import MOST_GROUPS, decay_chart, group_chart
from portal.components.desk import job_bar
from portal.components.forms import closed_because
from portal.components.page import panel
from portal.components.tables import Column, figure_help, live_table, plain_table
from portal.components.text import count, escape, humanise, number, percent
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.analytics.decay.trust import TrustReason
    from core.domain.facts.measured import Attribution, DecayChunk, DecayRun
    from core.services.measured.decay import DecayReport
    from core.services.measured.decay_groups import DecayGroup, DecayGroups
    from core.services.measured.slice_batches import MonitoredVersion
    from portal.components.desk import Desk


TRUST = (
    "Off by: mean of |estimate − realised| over the chunks after the reference whose outcome is known (with "
    "fewer than 3, over the reference too); 0 is exact. It passes when that is less than the distance from "
    "the usual level to the threshold on the worse side, and when no more came true outside the band "
    "than chance brings: 0.3% of chunks, by a binomial test at 1% in the reference and in what came after."
)
_TITLES = {
    "record": "Past estimates",
    "assumption": "Unchanged P(y|x)",
    "calibration": "Calibration",
    "thresholds": "Reference chunks",
    "rows": "Rows a chunk",
}
_SENTENCES = {
    "pass": "Yes, as far as can be told: nothing here speaks against the estimates.",
    "fail": "No: {}, so an alert says little.",
    "cannot_tell": "Cannot tell: nothing speaks against the estimates, but {}.",
}
_MEANING = {
    "pass": "an alert says something",
    "fail": "an alert says little",
    "cannot_tell": "how much an alert says cannot be told",
}


def trust_panel(view: DecayReport) -> None:
    """Show the verdict with each reason for and against."""
    sentence = _SENTENCES[view.trusted].format(said_against(view.judgement))
    with panel("Can the estimates be trusted here?", sentence):
        columns: list[Column[TrustReason]] = [
            Column(lambda reason: _TITLES[reason.id], "Reason", strong=True),
            Column("verdict", "Verdict", "status"),
            Column(partial(_words, view), "What was looked at"),
        ]
        plain_table(view.reasons, columns, caption="Reasons for and against trust in the estimates")
        judged = (
            f"One judgement of the model, by {TRUSTED_BY}: each reason is of the metric where it is worst."
        )
        st.caption(judged)
        if view.run is not None:
            st.caption(_how(view.run))


def _words(view: DecayReport, reason: TrustReason) -> str:
    if reason.id == "record":
        return _record(view, reason)
    if reason.id == "assumption":
        return _assumption(view, reason)
    if reason.id == "calibration":
        return _calibration(view, reason)
    if reason.id == "thresholds":
        chunks = count(int(reason.value or 0), "reference chunk")
        return f"The thresholds rest on {chunks}; from {number(reason.limit)} on their spread says something."
    if reason.value is None:
        return "The band is unknown, so nobody can tell whether chunks are large enough."
    band = f"{_of(reason)}the band is ± {_shown_of(reason, reason.value)} in the middle chunk"
    if reason.limit is None:
        return f"{band}; there is no threshold on the worse side to hold it against."
    return (
        f"{band}, and the threshold is {_shown_of(reason, reason.limit / 2)} away; up to twice that is fine."
    )


def _record(view: DecayReport, reason: TrustReason) -> str:
    if reason.value is None:
        return "Too few outcomes are known, or no threshold, so no estimate could be held against them."
    record = view.record_of(reason.metric)
    return (
        f"{_of(reason)}off by {_shown_of(reason, record.error)} on average and "
        f"{_shown_of(reason, record.worst)} at worst over {count(record.compared, 'chunk')}; the threshold "
        f"is {_shown_of(reason, record.room)} from the usual level."
    )


def _assumption(view: DecayReport, reason: TrustReason) -> str:
    if reason.value is None:
        return "No estimate can see a change of P(y|x); only outcomes can, and too few are known yet."
    record = view.record_of(reason.metric)
    told = [
        f"{part.outside:,} of {count(part.chunks, 'chunk')} {where}"
        for part, where in ((record.reference, "of the reference"), (record.analysis, "after it"))
        if part.chunks
    ]
    return (
        f"{_of(reason)}{' and '.join(told)} came true outside the band; chance puts 0.3% there. Where P(y|x) "
        "changes, they leave it."
    )


def _of(reason: TrustReason) -> str:
    return f"{decay_metric(reason.metric).title}: "


def _shown_of(reason: TrustReason, value: float | None) -> str:
    """A value of the reason's metric."""
    if value is None:
        return "–"
    return percent(value, 1) if decay_metric(reason.metric).unit == "percent" else f"{value:.3g}"


def _calibration(view: DecayReport, reason: TrustReason) -> str:
    if reason.value is None:
        return "It is not on record how well probabilities are calibrated; refresh the monitoring."
    found = f"Probabilities are off by {points(reason.value)} on the reference"
    if view.run is None or view.run.raw_calibration_error is None:
        return f"{found}."
    raw = points(view.run.raw_calibration_error)
    if view.run.calibrated:
        return f"{found} after calibration, raw scores by {raw}; up to {points(reason.limit)} is fine."
    return f"{found}. Scores are used as they came, as calibration would not help (NannyML)."


def _how(run: DecayRun) -> str:
    size = run.chunking.removesuffix(" rows")
    chunks = f"Chunks of {int(size):,} rows" if size.isdecimal() else f"One chunk a {size}"
    known = f"{run.labelled_rows:,} of {count(run.analysis_rows, 'row')} after the reference"
    return f"{chunks}. NannyML learned from {run.reference_rows:,} reference rows; {known} have an outcome."


def points(share: float | None) -> str:
    """A share as percentage points without a sign."""
    return "–" if share is None else f"{number(100 * share, 1)} points"


def shown(view: DecayReport, value: float | None) -> str:
    """A value of the view's metric with decimals that suit its size on this model."""
    if view.metric.unit == "percent":
        return percent(value, 1)
    return number(value, digits(view))


def digits(view: DecayReport) -> int:
    """Decimals that suit the metric's size on this model."""
    largest = max((abs(chunk.estimate) for chunk in view.chunks if chunk.estimate is not None), default=0)
    return 1 if view.metric.unit == "percent" or largest >= 10 else 3


_ROWS = "rows"
_CHUNKS = {
    _ROWS: "By number of rows",
    "day": "By day",
    "week": "By week",
    "month": "By month",
    "quarter": "By quarter",
    "year": "By year",
}


def refresh_bar(desk: Desk, known: MonitoredVersion) -> None:
    """Show how far a refresh is, and offer one to those who may; it goes on when the page is left."""
    running = job_bar(desk, refresh_subject(known.initiative, known.version), kind=REFRESH)
    if running or closed_because(desk, "refresh_monitoring", known.initiative):
        return
    words = "Estimate anew" if known.estimated else "Estimate performance"
    with st.popover(words, icon=":material/refresh:"):
        _form(desk, known)


def _form(desk: Desk, known: MonitoredVersion) -> None:
    rule = st.selectbox("Chunks", list(_CHUNKS), format_func=lambda one: _CHUNKS[one], key="refresh-rule")
    size = CHUNK_ROWS
    if rule == _ROWS:
        size = int(
            st.number_input(
                "Rows a chunk",
                min_value=100,
                max_value=1_000_000,
                value=CHUNK_ROWS,
                step=500,
                key="refresh-size",
            )
        )
    st.caption(
        "NannyML learns from the reference once for each rule of chunks, which takes 10 seconds and more; "
        "after that only the estimates are made, and of a classifier those adapted to the inputs of each of "
        "the newest 60 chunks, half a second each. You may leave this page meanwhile."
    )
    if st.button("Start", type="primary", key="refresh-start"):
        command = make(
            RefreshMonitoring,
            actor=desk.actor,
            at=desk.moment.at,
            initiative=known.initiative,
            version=known.version,
            chunk_size=size if rule == _ROWS else None,
            period=None if rule == _ROWS else rule,
        )
        if desk.act(start_refresh, command) is not None:
            st.rerun()


def divide_choices(choices: tuple[str, ...]) -> dict[str, str]:
    """Features to divide people by, as people read them; everyone first."""
    return {"": "Everyone", **{choice: humanise(choice) for choice in choices}}


def pick_version(
    places: Sequence[DeltaGenerator], known: MonitoredVersion, versions: Sequence[MonitoredVersion]
) -> None:
    """Let people choose the model and its version; each says how it stands."""
    newest = {one.initiative: one for one in reversed(versions)}
    models = {one.initiative: f"{one.name}{_state(one)}" for one in reversed(newest.values())}
    own = {
        one.version: f"{one.version}{_state(one)}" for one in versions if one.initiative == known.initiative
    }
    with places[0]:
        clears = ("version", "metric", "by")
        url_choice("Model", models, "id", default=known.initiative, clears=clears)
    with places[1]:
        url_choice("Version, newest first", own, "version", default=known.version, clears=("metric", "by"))


def _state(one: MonitoredVersion) -> str:
    return " (worse)" if one.worse else "" if one.estimated else " (not estimated)"


_HELP = (
    "Way to the threshold: (usual level − estimate) / (usual level − worse threshold) of the group. 0 is "
    "its usual level (the mean of what came true on its reference rows), 100% its own threshold.",
    "Decays from: the first of two worse chunks in a row; one alone may be chance, as many are looked at.",
    "Trust: of all rates, the one where estimates were furthest off, in chunks after the reference where 3 "
    "or more have outcomes, else in reference chunks, each estimated by a calibration learned without it. "
    "Fail: off by more than 2 points, and by more than chance brings at 5% over all groups and rates. "
    "Pass: off by less than 2 points at 2.5% in every rate. Fewer than 30 right or 30 wrong outcomes of a "
    "rate tell nothing. Of errors (such as the mean absolute error), the way to the threshold stands for the "
    "2 points.",
    "Calibrated on its own rows: the group has at least 5,000 reference rows, and 200 of each class. Else "
    "its calibration is drawn towards those of the larger groups that it is part of, the more the fewer rows "
    "it has.",
    "Chunks are those of everyone, so that groups can be compared at the same moment. Fewer than 100 rows of "
    "a group in a chunk are not judged.",
    "Leaves out whether P(y|x) changed for the group alone; only outcomes can show that.",
)


def groups_panel(found: DecayGroups) -> None:
    """Say which group decays first, draw the way of each to its threshold, and list them all."""
    by = humanise(found.by).lower()
    title = f"{found.metric.title} by {by}: who decays first"
    with panel(title, _sentence(found)):
        told = [group for group in found.groups if group.judged]
        if told:
            alt = f"Way of each group to its worse threshold, chunk by chunk; {len(told)} groups."
            group_chart(told[:MOST_GROUPS], alt=alt)
        if len(told) > MOST_GROUPS:
            st.caption(f"The {MOST_GROUPS} most urgent of {count(len(told), 'group')} are drawn.")
        _table(found)
        figure_help([*_HELP, f"Trust in the estimates of groups is by {GROUPS_TRUSTED_BY}."])


def _sentence(found: DecayGroups) -> str:
    untold = f" About {count(found.untold, 'group')} nobody can tell." if found.untold else ""
    if not found.first:
        nearest = found.groups[0]
        near = ""
        if nearest.room_used is not None:
            near = f" {nearest.label} has gone furthest: {percent(nearest.room_used)} of the way."
        return f"No group has two worse chunks in a row.{near}{untold}"
    names = " and ".join(group.label for group in found.first)
    where = next(chunk for chunk in found.first[0].chunks if chunk.part == "analysis" and chunk.worse)
    when = f"{where.started_at.day} {where.started_at:%b %Y}" if where.started_at else f"row {where.name}"
    verb = "decays" if len(found.first) == 1 else "decay"
    return f"{names} {verb} first, from {when} on.{untold}"


def _judged(group: DecayGroup) -> str:
    return f"{group.worse} of {group.judged}" if group.judged else "◆ Cannot tell"


def _table(found: DecayGroups) -> None:
    kind = found.metric.unit
    largest = max((abs(group.newest) for group in found.groups if group.newest is not None), default=0)
    digits = 1 if kind == "percent" or largest >= 10 else 3
    columns: list[Column[DecayGroup]] = [
        Column("label", humanise(found.by), strong=True, width=190),
        Column("rows", "Rows", "number", phone=False),
        Column("usual", "Usual", kind, digits, phone=False, width=90),
        Column("newest", "Newest", kind, digits, phone=False, width=90),
        Column("threshold", "Threshold", kind, digits, phone=False, width=100),
        Column(lambda group: percent(group.room_used), "Way to threshold", width=130),
        Column(_judged, "Worse", width=110),
        Column(lambda group: group.trust.verdict, "Trust", "status"),
        Column("held", "What that means", phone=False, width=420),
        Column(lambda group: CALIBRATED_ON[group.calibrated], "Calibrated on", phone=False, width=150),
    ]
    alt = f"Groups by {escape(found.by)} with their estimates, the most urgent first."
    live_table(found.groups, columns, key="decay-groups", download="decay-groups", alt=alt)


MOST_FEATURES = 12
FEATURES: list[Column[Attribution]] = [
    Column(lambda one: humanise(one.feature), "Feature", strong=True),
    Column("mean_absolute", "Mean strength", "number", 3),
    Column("mean_signed", "Mean push", "number", 3, phone=False),
    Column("share", "Share of all", "share_bar"),
]
ASSUMPTION = (
    "Estimates assume that the same inputs still lead to the same outcomes (P(y|x) is unchanged). Where that "
    "relation changes, an estimate cannot see it; only realised values can."
)


def decay_cards(view: DecayReport) -> None:
    """Show what came true, which chunks are estimated worse or different, and how far off estimates were."""
    of = len(view.analysis)
    held = f"Of {count(of, 'chunk')} after the reference, by {view.procedure}"
    different = "An alert on either side, better or worse, as NannyML raises it."
    cards(
        [
            _counted("Realised worse", view.realised_worse, view.known, _known(view)),
            _counted("Estimated worse", view.worse, of, f"{held}, beyond the threshold on the worse side."),
            _counted("Estimated different", view.alerts, of, f"{held}. {different}"),
            _trust(view),
            *_age(view),
        ],
        min_column_width=220,
    )


def _age(view: DecayReport) -> list[Card]:
    if view.age is None:
        return []
    note = "The newest chunk." if view.age.timed else "The newest batch; its rows carry no times."
    status, target = (
        "cannot_tell" if view.age.too_old else "pass",
        f"at most {count(view.age.allowed, 'day')}",
    )
    return [Card("Age", count(view.age.days, "day"), status, target=target, note=note)]


def _known(view: DecayReport) -> str:
    if not view.known:
        return "No chunk after the reference has enough outcomes yet."
    return f"Of {count(view.known, 'chunk')} after the reference with outcomes, beyond the threshold."


def _counted(label: str, found: int, of: int, note: str) -> Card:
    return Card(label, number(found), "alert" if found else "no_alert" if of else "no_data", note=note)


def _trust(view: DecayReport) -> Card:
    trust = view.trust
    note = "No chunk with a known outcome: nothing to hold the estimates against."
    if trust.compared:
        found = f"{trust.inside:,} of {count(trust.compared, 'chunk')} came true inside the band"
        level = f", and the usual level is {shown(view, trust.room)} from the threshold" if trust.room else ""
        note = f"{found}{level}: {_MEANING[view.trusted]}."
    return Card("Estimates were off by", shown(view, trust.error), view.trusted, note=note)


def decay_panel(view: DecayReport) -> None:
    """Draw estimate with band, realised values, labelled thresholds and alerts."""
    with panel(view.metric.title, ASSUMPTION):
        alt = f"{view.metric.title} by chunk: estimate with its band, realised values, thresholds and alerts."
        title, unit = view.metric.title, view.metric.unit
        decay_chart(
            view.along,
            view.came_worse,
            title=title,
            alt=alt,
            thresholds=_thresholds(view),
            unit=unit,
            adapted=view.adapted_to,
        )
        if view.preference:
            st.caption(escape(said_preference(view)))
        first = sum(chunk.part == "reference" for chunk in view.chunks)
        timed = all(chunk.started_at is not None for chunk in view.chunks)
        named = "" if timed else " The rows carry no times, so chunks are named by their first row."
        st.caption(
            f"The first {count(first, 'chunk')} are the reference.{named} The band is the estimate ± 3 "
            "sampling errors; the thresholds are the mean ± 3 standard deviations of what came true there."
            f"{_no_rows(view)}"
        )


def _no_rows(view: DecayReport) -> str:
    return f" No rows: {', '.join(gap.title for gap in view.gaps)}." if view.gaps else ""


def _thresholds(view: DecayReport) -> tuple[Threshold, ...]:
    worse_side = "lower" if view.metric.direction == "higher" else "upper"
    found = []
    for side, value in zip(("lower", "upper"), view.thresholds, strict=True):
        if value is not None:
            tone: Literal["bad", "quiet"] = "bad" if side == worse_side else "quiet"
            way = "below" if side == "lower" else "above"
            kind = "Worse" if side == worse_side else "Different"
            found.append(Threshold(f"{kind} {way} {shown(view, value)}", value, tone))
    return tuple(found)


def chunks_table(view: DecayReport) -> None:
    """Show every chunk with its estimate, band, realised value, and alert in words."""
    kind: Literal["percent", "number"] = view.metric.unit
    decimals = digits(view)
    columns: list[Column[DecayChunk]] = [
        Column("name", "Rows or days", strong=True, width=220),
        Column("rows", "Rows", "number", phone=False),
        Column("estimate", "Estimated", kind, decimals, width=90),
        *_adapted(view, kind, decimals),
        Column("lower_confidence", "Band from", kind, decimals, phone=False, width=100),
        Column("upper_confidence", "Band to", kind, decimals, phone=False, width=100),
        Column("realised", "Realised", kind, decimals, phone=False, width=100),
        Column("gap", "Estimated − realised", kind, decimals, phone=False, width=150),
        Column(partial(_alert, view), "Alert", width=130),
    ]
    alt = "Chunks with estimates and alerts."
    live_table(view.along, columns, key="chunks", download="decay-chunks", alt=alt)


def _adapted(
    view: DecayReport, kind: Literal["percent", "number"], decimals: int
) -> list[Column[DecayChunk]]:
    """Beside the estimate that adapted to the chunk's inputs, and how far these can be told apart."""
    adapted = view.adapted_to
    if not adapted:
        return []

    def of(chunk: DecayChunk) -> DecayChunk | None:
        return adapted.get(chunk.chunk) if chunk.part == "analysis" and chunk.rows else None

    return [
        Column(lambda one: (found := of(one)) and found.estimate, "Adapted", kind, decimals, width=90),
        Column(lambda one: (found := of(one)) and found.separation, "Inputs apart", "number", 2, phone=False),
        Column(
            lambda one: (found := of(one)) and found.effective_rows, "Effective rows", "number", phone=False
        ),
        *_uncovered(adapted, of),
    ]


def _uncovered(
    adapted: Mapping[int, DecayChunk], of: Callable[[DecayChunk], DecayChunk | None]
) -> list[Column[DecayChunk]]:
    """Which inputs the reference no longer covers, where there are any."""
    if not any(one.uncovered for one in adapted.values()):
        return []

    def named(chunk: DecayChunk) -> str:
        found = of(chunk)
        return ", ".join(map(humanise, found.uncovered or ())) if found else ""

    return [Column(named, "Values the reference no longer covers", phone=False, width=200)]


def _alert(view: DecayReport, chunk: DecayChunk) -> str:
    if not chunk.rows:
        return "No rows"
    if view.came_worse(chunk):
        return "▲ Realised worse"
    if chunk.worse:
        return "▲ Worse"
    return "◆ Different" if chunk.alert else ""


def attributions_panel(features: Sequence[Attribution]) -> None:
    """Draw which features a version's scores come from; log odds explained in the caption."""
    strongest = features[:MOST_FEATURES]
    caption = (
        f"SHAP contributions on {features[0].sample_rows:,} rows, strongest first, in log odds: +0.7 "
        "doubles the odds of the positive class, −0.7 halves them. Strength is the mean size of a feature's "
        "push, whichever way; the mean push keeps the sign, so what pushes both ways has one near 0."
    )
    with panel("What the scores come from", caption):
        left, right = st.columns([1.1, 1])
        with left:
            title = "Mean strength (log odds)"
            bars = [Bar(humanise(one.feature), one.mean_absolute) for one in strongest]
            interval_bars(bars, value_title=title, alt="Features by mean strength.", unit="number")
        with right:
            plain_table(strongest, FEATURES, caption="Features by strength", download="attributions")
        st.caption(
            "It says what the model does with a feature, not what the feature causes. Features that move "
            "together share the credit. Source: TreeSHAP, Lundberg et al. 2020."
        )
