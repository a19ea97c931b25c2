"""Entry script of the pages: who sits here, from when the record is read, and the navigation."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.services.case import refusal, seen_by
from core.services.record.entries import clock_remark
from portal.components.desk import Desk, seat_desk, show_done, show_problem
from portal.components.page import dress
from portal.components.text import count, day, escape, sentence
from portal.components.url_inputs import forget_recalled
from portal.shell.house import House, current_house
from portal.shell.plan import FIRST, SECTIONS, Entry

STATIC = Path(__file__).with_name("static")
PAGES = Path(__file__).parents[1] / "pages"


def main() -> None:
    """Draw the frame and run the chosen page at its desk."""
    st.set_page_config(
        page_title="Governance portal", page_icon=str(STATIC / "mark.png"), layout="wide", menu_items={}
    )
    st.logo(str(STATIC / "mark.svg"), size="medium")
    page = st.navigation(
        {section: [_page(entry) for entry in entries] for section, entries in SECTIONS.items()}, expanded=True
    )
    dress("page")
    try:
        desk = take_seat(current_house())
        seat_desk(desk)
        may = next(one.may for entries in SECTIONS.values() for one in entries if one.title == page.title)
        today = desk.governance.present(desk.moment.at)  # today's rights decide what is read of then
        if closed := refusal(desk.governance, today, desk.actor, may):
            st.info(escape(sentence(closed)))
        elif desk.in_past and desk.moment.seq == 0:
            st.info(f"Nothing was on record yet on {day(desk.moment.at)}. Choose a later day in the sidebar.")
        else:
            forget_recalled()
            page.run()
        show_done()
    except GovernanceError as problem:
        show_problem(problem)


def _page(entry: Entry) -> StreamlitPage:
    return st.Page(
        PAGES / f"{entry.file}.py",
        title=entry.title,
        icon=f":material/{entry.icon}:",
        url_path=entry.file,
        default=entry.file == FIRST,
    )


def take_seat(house: House) -> Desk:
    """Ask in the sidebar who sits here and from when to read; give the desk."""
    governance = house.governance
    with st.sidebar, st.container(key="gp-seat"):
        actor = house.local or choose_persona(governance.personas())
        chosen = st.date_input(
            "Read as of",
            value=None,
            max_value="today",
            format="YYYY-MM-DD",
            key="as_of",
            bind="query-params",
            help="Choose a day to read every page as it stood at the end of that day (UTC).",
        )
        clock = datetime.now(UTC)
        moment = governance.present(clock)
        in_past = chosen is not None and chosen < moment.day
        if in_past and chosen is not None:
            moment = governance.moment(datetime.combine(chosen, time(23, 59, 59), tzinfo=UTC))
        when = f"As of {day(moment.at)}" if in_past else "As of now"
        st.caption(escape(f"{when}: {count(moment.seq, 'record entry', 'record entries')}."))
    if remark := clock_remark(governance, clock):
        st.warning(escape(sentence(remark)), icon=":material/schedule:")
    seen = seen_by(governance, actor, clock)
    return Desk(seen, actor, moment, demo=governance.demo, in_past=in_past)


def choose_persona(personas: list[Actor]) -> Actor:
    """Let the visitor of the demo choose who to be; it stands in for a login, on this machine only."""
    if not personas:
        raise GovernanceError(
            "the demo store names nobody to be", where="directory", remedy="Build it again: governance demo."
        )
    return st.selectbox(
        "You are",
        personas,
        format_func=lambda actor: f"{actor.name}, {actor.title.lower()}" if actor.title else actor.name,
        key="persona",
        help="Choose who to be in the demo. There is no login yet.",
    )


main()
