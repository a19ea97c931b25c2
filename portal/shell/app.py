"""Entry script of the pages: who sits here, from when the record is read, and the navigation.

Who sits here is asked before anything of the store is shown, by deep link and on a fresh server too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from core.domain.actors import Actor
from core.domain.errors import Forbidden, GovernanceError, Unknown
from core.services.case import refusal, seen_by
from core.services.record.entries import clock_remark
from core.services.record.identity import log_out
from portal.components.desk import Desk, forget_seat, seat_desk, show_done, show_problem
from portal.components.page import dress
from portal.components.text import capital, count, day, escape, sentence
from portal.components.url_inputs import forget_recalled
from portal.shell.house import FIRST, NOBODY, SECTIONS, Entry, House, current_house

STATIC = Path(__file__).with_name("static")
PAGES = Path(__file__).parents[1] / "pages"


def main() -> None:
    """Draw the frame and run the chosen page at its desk."""
    st.set_page_config(
        page_title="Governance portal", page_icon=str(STATIC / "mark.png"), layout="wide", menu_items={}
    )
    pages = {section: [_page(entry) for entry in entries] for section, entries in SECTIONS.items()}
    try:
        house = current_house()
    except GovernanceError as problem:
        show_problem(problem)
        return
    try:
        sitter = house.sitter(_told(house), datetime.now(UTC))
    except (Unknown, Forbidden) as problem:
        st.navigation(pages, position="hidden")  # an address that is no page is said to be none, and no more
        dress("page")
        show_door(house, problem)
        return
    st.logo(str(STATIC / "mark.svg"), size="medium")
    page = st.navigation(pages, expanded=True)
    dress("page")
    try:
        desk = take_seat(house, sitter)
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


def _told(house: House) -> Mapping[str, object]:
    """What the cookie of this browser says of its login; nothing where there is none to have."""
    return st.user.to_dict() if house.provider else {}


def show_door(house: House, problem: GovernanceError) -> None:
    """The page for those who may not come in: what the portal is, one button, who to ask."""
    forget_seat()
    known = isinstance(problem, Forbidden)
    with st.container(key="gp-door", horizontal_alignment="center", gap="small"):
        st.image(str(STATIC / "mark.png"), width=56)
        st.title("Governance portal", anchor=False)
        if known:
            name = str(_told(house).get("name") or _told(house).get("sub") or "somebody")
            st.markdown(escape(f"You are logged in as {name}, but {problem.what}."))
            st.button("Log out", on_click=st.logout, width="stretch")
        else:
            ended = problem.what != NOBODY
            st.markdown(
                escape(capital(f"{problem.what}.")) if ended else "Log in to see what governs our models."
            )
            st.button(
                "Log in again" if ended else "Log in", on_click=st.login, type="primary", width="stretch"
            )
        place = f" Say that your id is {problem.where}." if known and problem.where else ""
        st.caption(escape(f"No access? Ask {house.contact}.{place}"))


def _log_out(house: House, actor: Actor) -> None:
    """End this person's logins in all browsers, then leave this one's."""
    issued = datetime.fromtimestamp(float(str(_told(house).get("iat", 0))), UTC)
    log_out(house.governance, actor, issued, datetime.now(UTC))
    st.logout()


def take_seat(house: House, sitter: Actor | None) -> Desk:
    """Say in the sidebar who sits here, and ask from when to read; give the desk."""
    governance = house.governance
    with st.sidebar, st.container(key="gp-seat"):
        actor = sitter or choose_persona(governance.personas())
        if house.provider:
            st.caption(escape(f"You are {actor.name}."))
            st.button(
                "Log out",
                on_click=_log_out,
                args=(house, actor),
                icon=":material/logout:",
                help="Ends your logins in all browsers.",
            )
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
        moment = present = governance.present(clock)
        in_past = chosen is not None and chosen < moment.day
        if in_past and chosen is not None:
            moment = governance.moment(datetime.combine(chosen, time(23, 59, 59), tzinfo=UTC))
        when = f"As of {day(moment.at)}" if in_past else "As of now"
        st.caption(escape(f"{when}: {count(moment.seq, 'record entry', 'record entries')}."))
    if remark := clock_remark(governance, clock):
        st.warning(escape(sentence(remark)), icon=":material/schedule:")
    seen = seen_by(governance, actor, present)
    return Desk(seen, actor, moment, demo=governance.demo, in_past=in_past)


def choose_persona(personas: list[Actor]) -> Actor:
    """Let the visitor of the demo choose who to be; it stands in for a login, on this machine only."""
    if not personas:
        raise GovernanceError(
            "the demo store names nobody to be", where="directory", remedy="Build it again: governance demo."
        )
    chosen = st.selectbox(
        "You are",
        personas,
        format_func=lambda actor: f"{actor.name}, {actor.title.lower()}" if actor.title else actor.name,
        key="persona",
        help="Choose who to be in the demo, which has no login.",
    )
    return chosen.model_copy(update={"credential": "persona of the demo"})


main()
