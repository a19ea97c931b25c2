"""The lineage on screen: warnings, graph, who uses which data, the data sources, and recording more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.facts.recorded import values_of
from core.domain.models.lineage import (
    HOW,
    ClearData,
    EndDataUse,
    EndUpstream,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
)
from core.services.models import data_sources as services
from core.services.models import lineage as service
from portal.components.charts.lineage import MOST_NODES, drawable, lineage_chart
from portal.components.forms import Ask, closed_because, form, give, listed
from portal.components.page import dress, page_link, panel
from portal.components.pills import pill_html
from portal.components.tables import Column, live_table
from portal.components.text import count, day, escape, escape_html
from portal.components.url_inputs import url_choice, url_value

if TYPE_CHECKING:
    from core.services.models.lineage import BadData, Lineage, SourceLine, UseLine
    from core.services.process.initiatives import InitiativeSheet
    from portal.components.desk import Desk


FILTERS = ("team", "data", "model", "process", "versions")
MOST_NAMED = 12
USES: list[Column[UseLine]] = [
    Column("model", "Model", strong=True, width=180),
    Column("source_name", "Data", width=165),
    Column(lambda use: use.how.capitalize(), "How", phone=False, width=92),
    Column("team", "Team", phone=False, width=140),
    Column(
        lambda use: (use.version or "All") + ("" if use.counts else ", past"),
        "Version",
        phone=False,
        width=78,
    ),
    Column(lambda use: _state(use.source, use.roots), "Data is", "status", width=130),
    Column(lambda use: _yes_or_no(use.personal_data), "Personal", phone=False, width=76),
    Column(lambda use: "; ".join(use.processes), "Business process", phone=False, width=150),
    Column(lambda use: ", ".join(use.columns), "Columns", phone=False, width=160),
]
SOURCES: list[Column[SourceLine]] = [
    Column("name", "Data", strong=True, width=190),
    Column("team", "Owned by", phone=False, width=130),
    Column(lambda source: _state(source.source, source.roots), "State", "status", width=130),
    Column(lambda source: _yes_or_no(source.personal_data), "Personal", phone=False, width=76),
    Column("quality", "Quality", phone=False, width=270),
    Column("location", "Where it lies", phone=False, width=250),
]


def filters(choices: service.Choices) -> dict[str, Any]:
    """Draw the four filters and give them as the query takes them; a choice that is gone is all."""

    def one(label: str, param: str, known: Mapping[str, str]) -> str:
        titles = {"": "All", **dict(sorted(known.items(), key=lambda item: item[1].casefold()))}
        return url_choice(label, titles, param, width=215)

    with st.container(horizontal=True, gap="small"):
        return {
            "team": one("Team", "team", choices.teams),
            "source": one("Data", "data", choices.sources),
            "model": one("Model", "model", choices.models),
            "process": one("Business process", "process", choices.processes),
            "past": bool(url_choice("Versions", {"": "In use", "all": "All"}, "versions", width=130)),
        }


def known_filters(choices: service.Choices) -> dict[str, Any]:
    """The filters of the address that name something known."""
    wanted = {"team": choices.teams, "source": choices.sources, "model": choices.models}
    params = {"team": "team", "source": "data", "model": "model", "process": "process"}
    known = {**wanted, "process": choices.processes}
    given = {name: url_value(param) for name, param in params.items()}
    return {name: value if value in known[name] else "" for name, value in given.items()}


def warnings_panel(found: Lineage) -> None:
    """Show what is bad and everything that it reaches, newest warning first."""
    for one in found.warnings:
        st.html(_warning_html(one))
        with st.container(horizontal=True, gap="small"):
            for initiative, name in one.initiatives[:MOST_NAMED]:
                page_link("initiative", name, icon=":material/description:", id=initiative)


def _warning_html(one: BadData, lead: str = "") -> str:
    reached = [count(len(one.initiatives), "model")]
    reached += [count(len(one.sources), "data source")] if one.sources else []
    reached += [count(len(one.processes), "business process", "business processes")] if one.processes else []
    said = f"Marked on {day(one.marked_at)} by {one.marked_by}. It reaches {_joined(reached)}."
    names = "; ".join(
        f"{label}: {', '.join(names[:MOST_NAMED])}"
        + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
        for label, names in (
            ("Made from it", one.sources),
            ("Models", tuple(name for _, name in one.initiatives)),
            ("Processes", one.processes),
        )
        if names
    )
    title = lead or f"Bad data: {one.name}"
    return (
        f'<div class="gp-alarm" role="alert"><div class="gp-alarm-head">{pill_html("bad_data")}'
        f"<strong>{escape_html(title)}</strong></div><p>{escape_html(one.reason)}</p>"
        f'<p class="gp-alarm-small">{escape_html(said)} {escape_html(names)}{"." if names else ""}</p></div>'
    )


def _joined(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def graph_panel(found: Lineage) -> str | None:
    """Draw the graph on screens wide enough; give the id of the node that is clicked."""
    nodes = found.graph.nodes
    if not drawable(nodes):
        if nodes:
            st.info(f"{len(nodes):,} things are too many to draw; at most {MOST_NODES}. Choose a filter.")
        return None
    caption = "From left to right. Click a box to see only what is above and below it."
    with st.container(key="gp-wide-lineage"), panel("Lineage", caption):
        shapes = f"{pill_html('bad_data')} {pill_html('affected', 'Something bad above it')}"
        st.html(f'<div class="gp-pills">{shapes}</div>')
        return lineage_chart(found.graph, key=f"lineage-{_key()}")


def _key() -> str:
    return "-".join(url_value(param, "all") for param in FILTERS)


def uses_panel(found: Lineage) -> None:
    """The same as a table, for phones and for people who do not see the graph."""
    people = sum(line.personal_data for line in found.lines)
    caption = f"{count(len(found.lines), 'use')} of data, {people:,} of them of personal data."
    with panel("Who uses which data, how, in which model", caption):
        live_table(
            found.lines,
            USES,
            key="uses",
            download="lineage",
            height=520,
            alt="Every use of data by a model, with team, version, business process and state of the data",
        )


def _state(source: str, roots: Sequence[str]) -> str:
    """How data stands whose bad sources, in it or above it, are known."""
    return ("bad_data" if source in roots else "affected") if roots else "sound"


def _yes_or_no(true: bool) -> str:
    return "Yes" if true else "No"


def sources_panel(found: Lineage) -> SourceLine | None:
    """Show the data sources with quality and owner; give the one that is clicked."""
    with panel("Data sources", f"{count(len(found.sources), 'source')}. Click one to see its lineage alone."):
        return live_table(
            found.sources,
            SOURCES,
            key=f"sources-{_key()}",
            select=True,
            download="data-sources",
            height=420,
            alt="Data sources with owner, state, quality and place",
        )


def bad_data_banner(desk: Desk, sheet: InitiativeSheet) -> None:
    """Warn on an initiative's sheet of bad data in or above what its versions in use are fed with."""
    initiative = sheet.initiative.initiative
    found = desk.ask(service.bad_data_of, initiative=initiative)
    if not found:
        return
    dress("models")
    for one in found:
        lead = f"This model is fed by data that is marked as bad: {one.name}"
        st.html(_warning_html(one, lead))
    page_link("lineage", "See its lineage", icon=":material/account_tree:", model=initiative)


def sentence(found: Lineage) -> str:
    """Say what is shown, in numbers."""
    kinds = [node.kind for node in found.graph.nodes]
    parts = (
        count(kinds.count("source"), "data source"),
        count(kinds.count("model"), "model"),
        count(kinds.count("process"), "business process", "business processes"),
    )
    bad = sum(node.state == "bad" for node in found.graph.nodes)
    affected = sum(node.state == "affected" for node in found.graph.nodes)
    alarm = f" {bad:,} marked as bad, {affected:,} below them." if bad else " None is marked as bad."
    return escape(f"{', '.join(parts)}.{alarm}")


COLUMNS_HELP = "One a line, or separated by commas."


def lineage_forms(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> None:
    """Offer one form at a time; those that the desk may not use say who may.

    Parameters
    ----------
    desk
        The desk of this session.
    found
        The whole lineage, unfiltered.
    initiatives
        Id -> name of every initiative, for new uses.
    """
    forms: dict[str, Callable[[], bool | None]] = {
        "Warn of bad data": lambda: _warn(desk, found),
        "Data source": lambda: _source(desk, found),
        "Made from": lambda: _upstream(desk, found),
        "Use": lambda: _use(desk, found, initiatives),
        "Business processes": lambda: _processes(desk, found, initiatives),
    }
    chosen = st.segmented_control(
        "What to record", list(forms), default="Warn of bad data", required=True, key="lineage-form"
    )
    because = closed_because(desk, "mark_data" if chosen == "Warn of bad data" else "record_lineage")
    if because:
        st.caption(escape(because))
    elif forms[chosen]():
        st.rerun()


def _warn(desk: Desk, found: Lineage) -> None:
    if not found.sources:
        st.caption("No data source is recorded yet.")
        return
    bad = {one.source: one.bad for one in found.sources}
    names = {one.source: one.name + (" (marked as bad)" if one.bad else "") for one in found.sources}
    source = st.selectbox("Data", list(names), format_func=lambda one: names[one], key="warn-source")
    if bad[source]:
        icon, done = ":material/check_circle:", "The warning is taken back."
        ask = Ask("Take the warning back", done, icon=icon, primary=True, fixed={"source": source})
        form(desk, services.clear_data, ClearData, ask)
    else:
        icon, done = ":material/report:", "Marked as bad; everything downstream shows it now."
        ask = Ask("Mark as bad", done, icon=icon, primary=True, fixed={"source": source})
        form(desk, services.mark_data_bad, MarkDataBad, ask)


def _source(desk: Desk, found: Lineage) -> None:
    known = {one.source: one for one in found.sources}
    names = {"": "A new one", **{source: one.name for source, one in known.items()}}
    source = st.selectbox("Which", list(names), format_func=lambda one: names[one], key="source-which")
    ask = Ask(
        "Save",
        lambda given: f"{given['name']} is on record.",
        icon=":material/save:",
        primary=True,
        rows=(("name", "team"), ("location", "personal_data"), "description", "quality"),
        fixed={"source": source},
        choices={"personal_data": {None: "Say yes or no", True: "Yes", False: "No"}},
        first=values_of(known[source]) if source else {"team": desk.actor.team},
    )
    form(desk, services.record_data_source, RecordDataSource, ask)


def _upstream(desk: Desk, found: Lineage) -> bool:
    names = {one.source: one.name for one in found.sources}
    if len(names) < 2:
        st.caption("Record two data sources first.")
        return False
    with st.form("upstream"):
        left, right = st.columns(2)
        source = left.selectbox("This data", list(names), format_func=lambda one: names[one])
        origin = right.selectbox("is made from", list(names), format_func=lambda one: names[one])
        how = left.text_input("How", max_chars=2000, placeholder="Summed by week")
        columns = right.text_input("Columns that come from there", help=COLUMNS_HELP)
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", type="primary", icon=":material/save:")
            end = st.form_submit_button("It no longer is", icon=":material/link_off:")
    if end:
        done = "That step is ended; the history keeps it."
        ended = give(desk, services.end_upstream, EndUpstream, done=done, source=source, upstream=origin)
        return ended is not None
    return save and (
        give(
            desk,
            services.record_upstream,
            RecordUpstream,
            done="The step is on record.",
            source=source,
            upstream=origin,
            how=how,
            columns=listed(columns),
        )
        is not None
    )


def _use(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> bool:
    names = {one.source: one.name for one in found.sources}
    if not names or not initiatives:
        st.caption("Record a data source and register an initiative first.")
        return False
    with st.form("use"):
        left, right = st.columns(2)
        initiative = left.selectbox("Model", list(initiatives), format_func=lambda one: initiatives[one])
        source = right.selectbox("Data", list(names), format_func=lambda one: names[one])
        how = left.selectbox("How it uses it", list(HOW), format_func=lambda one: f"It {HOW[one]}")
        version = right.text_input("Version", max_chars=20, help="Leave it empty for all versions.")
        columns = st.text_input("Columns", help=COLUMNS_HELP)
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", type="primary", icon=":material/save:")
            end = st.form_submit_button("This use is over", icon=":material/link_off:")
    one = {"source": source, "initiative": initiative, "version": version.strip(), "how": how}
    if end:
        done = "The use is ended; the history keeps it."
        return give(desk, services.end_data_use, EndDataUse, done=done, **one) is not None
    return save and (
        give(
            desk,
            services.record_data_use,
            RecordDataUse,
            done="The use is on record.",
            columns=listed(columns),
            **one,
        )
        is not None
    )


def _processes(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> None:
    if not initiatives:
        st.caption("Register an initiative first.")
        return
    ask = Ask(
        "Save",
        "The business processes are on record.",
        icon=":material/save:",
        primary=True,
        rows=("initiative", "processes"),
        choices={"initiative": initiatives},
        titles={"initiative": "Model"},
        hints={"processes": ", ".join(found.choices.processes) or "Card issuing"},
    )
    form(desk, services.record_processes, RecordProcesses, ask)
