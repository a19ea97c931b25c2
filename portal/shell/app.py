"""Entry script of the pages: who sits here, from when the record is read, and the navigation."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import streamlit as st

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from portal.components.desk import Desk, seat_desk, show_done, show_problem
from portal.components.page import dress_page
from portal.components.text import count, day, escape
from portal.shell.house import House, current_house

STATIC = Path(__file__).with_name("static")
PAGES = Path(__file__).parents[1] / "pages"
# section -> file, title, icon; the url is the file's name
SECTIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Oversight": (
        ("overview", "Overview", "space_dashboard"),
        ("leaderboards", "Leaderboards", "leaderboard"),
    ),
    "Inventory": (
        ("inventory", "Inventory", "inventory_2"),
        ("initiative", "Initiative", "description"),
        ("register", "Register", "add_circle"),
    ),
    "Evidence": (
        ("slices", "Bias slices", "balance"),
        ("decay", "Decay", "trending_down"),
    ),
    "Work": (("team", "Team compliance", "groups"),),
    "Rules and record": (
        ("policy", "Policy matrix", "grid_on"),
        ("record", "Record", "receipt_long"),
    ),
}


def main() -> None:
    """Draw the frame and run the chosen page at its desk."""
    st.set_page_config(
        page_title="Governance portal", page_icon=str(STATIC / "mark.png"), layout="wide", menu_items={}
    )
    st.logo(str(STATIC / "mark.svg"), size="medium")
    page = st.navigation(
        {
            section: [
                st.Page(
                    PAGES / f"{file}.py",
                    title=title,
                    icon=f":material/{icon}:",
                    url_path=file,
                    default=file == "overview",
                )
                for file, title, icon in pages
                if (PAGES / f"{file}.py").is_file()
            ]
            for section, pages in SECTIONS.items()
            if any((PAGES / f"{file}.py").is_file() for file, _, _ in pages)
        },
        expanded=True,
    )
    dress_page()
    try:
        seat_desk(take_seat(current_house()))
        page.run()
        show_done()
    except GovernanceError as problem:
        show_problem(problem)


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
        now = datetime.now(UTC)
        in_past = chosen is not None and chosen < now.date()
        if in_past and chosen is not None:
            now = datetime.combine(chosen, time(23, 59, 59), tzinfo=UTC)
        moment = governance.moment(now)
        when = f"As of {day(now)}" if in_past else "As of now"
        st.caption(escape(f"{when}: {count(moment.seq, 'record entry', 'record entries')}."))
    return Desk(governance, actor, moment, demo=governance.demo, in_past=in_past)


def choose_persona(personas: list[Actor]) -> Actor:
    """Let the visitor of the demo choose who to be; it stands in for a login, on this machine only.

    Raises
    ------
    GovernanceError
        The demo store holds no personas.
    """
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
