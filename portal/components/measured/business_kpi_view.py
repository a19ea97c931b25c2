"""Business KPIs as people read them: the list, the standing, promised against achieved, history, forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.decay.metrics import DECAY_METRICS
from core.domain.models.business_kpis import SetBusinessKpi
from core.services.measured.business_kpi import (
    ImportObservations,
    ObserveBusinessKpi,
    import_observations,
    observe_business_kpi,
    set_business_kpi,
)
from portal.components.cards import Card, cards
from portal.components.charts.bars import KpiPoint, performance_chart, promise_chart
from portal.components.desk import Desk
from portal.components.forms import Ask, closed_because, form, give
from portal.components.page import page_link, panel
from portal.components.pills import look_of
from portal.components.tables import Column, figure_help, live_table, plain_table
from portal.components.text import NOTHING, count, day, escape, minute, percent

if TYPE_CHECKING:
    from core.domain.models.business_kpis import Promise, Standing
    from core.services.measured.business_kpi import (
        BusinessKpi,
        KpiLine,
        ModelPerformance,
        ObservedDay,
        Revision,
    )


SHORT_UNIT = 6
NOTES = (
    "Promised for a day: the straight line from the baseline on its day to the target on its day; level "
    "before and after. It is a yardstick of equal steps; nobody may have meant each step.",
    "Lead: achieved minus promised for the day of the newest observation, in the KPI's unit; above 0 is "
    "better, whichever way the KPI is to go. Zero means: exactly as promised.",
    "Way made: (achieved − baseline) / (target − baseline). 0% is the baseline, 100% the target, below 0% "
    "the wrong way.",
    "Achieved: the newest observation meets the target. Missed: the day of the target has passed, and what "
    "was observed since does not meet it. Without an observation, or none since then, nothing can be told.",
    "Leaves out: why it moved. Other things than the model move a business KPI; the model's estimated "
    "performance stands below to compare, and shows no cause.",
    "Source: the observations on record, with who recorded them; corrections replace a day's value and the "
    "value before stays.",
)


def standing_cards(lines: Sequence[KpiLine]) -> None:
    """Show how many KPIs stand where."""
    held = Counter(line.achieved.standing for line in lines)
    notes: dict[Standing, str] = {
        "achieved": "The newest observation meets the target.",
        "on_course": "At least what was promised for the day.",
        "behind": "Less than was promised for the day.",
        "missed": "The day of the target has passed.",
        "cannot_tell": "Nothing was observed, or not since the target's day.",
    }
    cards(
        [
            Card(look_of(name).text, f"{held[name]} of {len(lines)}", name if held[name] else "", note=note)
            for name, note in notes.items()
        ],
        min_column_width=175,
    )


def kpi_list(lines: Sequence[KpiLine]) -> KpiLine | None:
    """Show the KPIs of all initiatives; give the one that is clicked."""
    columns: list[Column[KpiLine]] = [
        Column("title", "Initiative", strong=True, width=210),
        Column(lambda line: line.promise.name, "Business KPI", width=236, phone=False),
        Column(lambda line: line.achieved.standing, "Standing", "status", width=116),
        Column(lambda line: line.achieved.value, "Achieved", "number", 2, width=86),
        Column(
            lambda line: line.achieved.promised,
            "Promised",
            "number",
            2,
            phone=False,
            width=86,
            help="For the same day.",
        ),
        Column(lambda line: line.promise.target, "Target", "number", 2, phone=False, width=76),
        Column(lambda line: line.promise.unit, "Unit", phone=False, width=120),
        Column(lambda line: line.promise.target_on, "By", "day", phone=False, width=100),
        Column(lambda line: list(line.course) or None, "Course", "trend", phone=False, width=90),
    ]
    alt = "Business KPIs of all initiatives with their standing."
    return live_table(lines, columns, key="kpis", select=True, download="business-kpis", alt=alt)


def amount(value: float | None, promise: Promise) -> str:
    """A value in the KPI's unit."""
    if value is None:
        return NOTHING
    joined = "" if promise.unit == "%" else " "
    return f"{value:,.4g}{joined}{promise.unit}".strip().replace("-", "\u2212")


def lead_in_words(lead: float, promise: Promise) -> str:
    """A difference of two values of the KPI, with its sign; per cents differ by points."""
    unit = "points" if promise.unit == "%" else promise.unit
    words = f" {unit}" if len(unit) <= SHORT_UNIT else ""
    return f"{lead:+,.3g}{words}".replace("-", "\u2212")


def _long_unit(promise: Promise) -> str:
    """The unit as a sentence of its own where a card has no room for it beside the figure."""
    return f"{promise.unit}. " if len(promise.unit) > SHORT_UNIT else ""


def short_amount(value: float | None, promise: Promise) -> str:
    """A value with its unit where that is short enough for a card."""
    if value is None or len(promise.unit) <= SHORT_UNIT:
        return amount(value, promise)
    return f"{value:,.4g}".replace("-", "\u2212")


def kpi_cards(kpi: BusinessKpi, today: date) -> None:
    """Show standing, newest value, the lead on the promise, and the target with its day."""
    promise, achieved = kpi.promise, kpi.achieved
    left = (promise.target_on - today).days
    when = f"{count(left, 'day')} to go." if left >= 0 else f"{count(-left, 'day')} ago."
    lead = achieved.lead
    words = NOTHING if lead is None else lead_in_words(lead, promise)
    counting = [one.value for one in kpi.observations if one.counts and one.value is not None]
    cards(
        [
            Card(
                "Newest observation",
                short_amount(achieved.value, promise),
                achieved.standing,
                series=counting,
                target_value=promise.target,
                note=_newest(kpi),
            ),
            Card(
                "Lead on the promise",
                words,
                note="Nothing to compare yet."
                if achieved.promised is None
                else f"Promised for that day: {amount(achieved.promised, promise)}.",
            ),
            Card(
                "Way made to the target",
                percent(achieved.share),
                note=f"From {amount(promise.baseline, promise)} on {day(promise.baseline_on)}.",
            ),
            Card(
                "Target",
                short_amount(promise.target, promise),
                note=f"{_long_unit(promise)}By {day(promise.target_on)}: {when}",
            ),
        ],
        min_column_width=215,
    )


def _newest(kpi: BusinessKpi) -> str:
    observed = kpi.achieved.observed_on
    return kpi.achieved.sentence if observed is None else f"{day(observed)}. {kpi.achieved.sentence}"


def promise_panel(kpi: BusinessKpi, performance: ModelPerformance | None) -> None:
    """Draw promised against achieved, with the model's estimated performance below."""
    promise = kpi.promise
    title = promise.unit or "Value"
    way = "Higher is better." if promise.direction == "up" else "Lower is better."
    days = _days(kpi, performance)
    source = f" Source: {kpi.source}." if kpi.source else ""
    with panel(f"{promise.name}: promised and achieved", f"{way}{source}"):
        alt = f"{promise.name}: the line promised, and what was observed."
        promise_chart(
            _rows(kpi), title=title, days=days, target=promise.target, alt=alt, key=f"kpi-{promise.kpi}"
        )
        if performance is not None:
            _performance(performance, days, promise.kpi)
        figure_help(NOTES)


def _performance(performance: ModelPerformance, days: tuple[date, date], key: str) -> None:
    metric = DECAY_METRICS.get(performance.metric)
    title = metric.title if metric else performance.metric
    st.caption(
        f"Beside it: the model's {title}, version {performance.version}, estimated before outcomes are "
        "known. That both move together shows no cause."
    )
    unit = metric.unit if metric else "number"
    alt = f"{title} of the model on the same days, estimated and realised."
    performance_chart(
        performance.points, title=title, days=days, unit=unit, alt=alt, key=f"performance-{key}"
    )


def _days(kpi: BusinessKpi, performance: ModelPerformance | None) -> tuple[date, date]:
    known = [kpi.promise.baseline_on, kpi.promise.target_on]
    known += [one.observed_on for one in kpi.observations if one.counts]
    known += [point.at.date() for point in performance.points] if performance else []
    room = timedelta(days=max(2, (max(known) - min(known)).days // 60))
    return min(known) - room, max(known) + room


def _rows(kpi: BusinessKpi) -> list[KpiPoint]:
    promise = kpi.promise
    rows = [
        KpiPoint(promise.baseline_on, promised=promise.baseline),
        KpiPoint(promise.target_on, promised=promise.target),
    ]
    for place, row in enumerate(kpi.revisions[:-1]):
        for at, value in ((row.baseline_on, row.baseline), (row.target_on, row.target)):
            rows.append(KpiPoint(at, before=value, line=str(place)))
    for one in kpi.observations:
        if one.counts and one.value is not None:
            due = promise.promised_on(one.observed_on)
            note = one.note or None
            rows.append(KpiPoint(one.observed_on, achieved=one.value, due=due, note=note))
    return rows


def history_panel(kpi: BusinessKpi) -> None:
    """Show what was observed, corrections included, and how the promise was revised."""
    promise = kpi.promise
    corrected = sum(not one.counts for one in kpi.observations)
    changed = f"{corrected} were corrected or withdrawn" if corrected else "none was corrected"
    caption = f"{count(len(kpi.observations) - corrected, 'observation')} on record; {changed}."
    with panel(f"Observations ({promise.unit})" if promise.unit else "Observations", caption):
        columns: list[Column[ObservedDay]] = [
            Column("observed_on", "Day", "day", strong=True, width=110),
            Column(
                lambda one: "withdrawn" if one.value is None else f"{one.value:,.4g}", "Achieved", width=120
            ),
            Column(
                lambda one: f"{promise.promised_on(one.observed_on):,.4g}",
                "Promised",
                width=120,
                phone=False,
            ),
            Column(lambda one: "" if one.counts else "Corrected since", "State", width=120),
            Column("note", "Note", width=280, phone=False),
            Column("actor_name", "Recorded by", width=130, phone=False),
            Column("recorded_at", "Recorded on", "minute", phone=False),
        ]
        alt = "Observations with their corrections, newest first."
        newest = kpi.observations[::-1]
        live_table(newest, columns, key="observations", download=f"kpi-{promise.kpi}", alt=alt)
    if len(kpi.revisions) > 1:
        _revisions(kpi)


def _revisions(kpi: BusinessKpi) -> None:
    promise = kpi.promise
    with panel("How the promise was revised", "What was promised before stays on record."):
        columns: list[Column[Revision]] = [
            Column(lambda one: minute(one.recorded_at), "Recorded", strong=True),
            Column(lambda one: amount(one.target, promise), "Target"),
            Column(lambda one: str(one.target_on), "By"),
            Column(lambda one: one.reason or "First promise", "Why"),
            Column("actor_name", "Who", phone=False),
        ]
        plain_table(kpi.revisions, columns, caption="Revisions of the promise")


def kpi_links(kpi: BusinessKpi) -> None:
    """Lead to the initiative and to its model's decay."""
    with st.container(horizontal=True):
        page_link("initiative", "Open the initiative", icon=":material/description:", id=kpi.initiative)
        page_link("decay", "Decay of its model", icon=":material/trending_down:", id=kpi.initiative)


_WAYS = {"up": "Up: higher is better", "down": "Down: lower is better"}
_PROMISED = (("name", "unit"), ("baseline", "direction"), ("target", "baseline_on"), ("source", "target_on"))
_REVISED = (("unit", "direction"), ("baseline", "baseline_on"), ("target", "target_on"), ("source", "reason"))


def promise_form(desk: Desk, initiative: str, kpi: BusinessKpi | None, *, opened: bool) -> None:
    """Ask for a KPI's promise; with a KPI, for its revision."""
    label = "Revise the promise" if kpi else "Promise a business KPI"
    with st.expander(label, expanded=opened, icon=":material/flag:"):
        known = kpi.promise if kpi else None
        today = {"baseline": 0.0, "target": 0.0, "baseline_on": desk.moment.day, "target_on": desk.moment.day}
        ask = Ask(
            "Put it on record",
            "The revision is proposed; it holds once somebody else agrees."
            if kpi
            else "The promise is on record.",
            icon=":material/flag:",
            primary=True,
            rows=_REVISED if kpi else _PROMISED,
            fixed={"initiative": initiative, **({"name": known.name} if known else {})},
            choices={"direction": _WAYS},
            first={**vars(known), "source": kpi.source} if kpi and known else today,
        )
        form(desk, set_business_kpi, SetBusinessKpi, ask)


def observation_forms(desk: Desk, kpi: BusinessKpi) -> None:
    """Ask for one observation, a correction or a withdrawal; or for many in CSV."""
    with st.expander("Record what was achieved", icon=":material/add_chart:"):
        refused = closed_because(desk, "observe_business_kpi", kpi.initiative)
        if refused:
            st.caption(escape(refused))
            return
        left, right = st.columns(2)
        with left:
            _observation_form(desk, kpi)
        with right:
            _import_form(desk, kpi)


def _observation_form(desk: Desk, kpi: BusinessKpi) -> None:
    with st.form(f"observe-{kpi.initiative}-{kpi.promise.kpi}"):
        on = st.date_input("Day", value=desk.moment.day, max_value=desk.moment.day)
        value = st.number_input(f"Achieved ({escape(kpi.promise.unit)})", value=None, format="%g", step=None)
        note = st.text_input("Note", max_chars=2000, help="The reason, where the day has a value already.")
        withdraw = st.checkbox("Withdraw the day's value")
        if not st.form_submit_button("Record", type="primary", icon=":material/add:"):
            return
    if value is None and not withdraw:
        st.error("No value was given. Type it, or withdraw the day's value.")
        return
    done = (
        "Withdrawn; what was recorded stays in the history." if withdraw else "The observation is on record."
    )
    if give(
        desk,
        observe_business_kpi,
        ObserveBusinessKpi,
        done=done,
        initiative=kpi.initiative,
        kpi=kpi.promise.kpi,
        observed_on=on,
        value=None if withdraw else value,
        note=note,
    ):
        st.rerun()


def _import_form(desk: Desk, kpi: BusinessKpi) -> None:
    ask = Ask(
        "Import",
        lambda given: f"The observations of {given['name']} are on record.",
        icon=":material/upload_file:",
        rows=("text", "note"),
        fixed={"initiative": kpi.initiative, "kpi": kpi.promise.kpi},
    )
    form(desk, import_observations, ImportObservations, ask)
