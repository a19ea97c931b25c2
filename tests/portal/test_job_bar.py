"""The bar of a running job: how far it is, a way to stop it, and what came of it, on any page."""

from __future__ import annotations

import threading
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.domain.actors import Actor
from core.domain.errors import BadInput
from core.services.governance import Governance
from core.services.jobs import JobControl, start_job, wait_for
from portal.components.desk import Desk
from tests.conftest import BUILDER, OWNER, later


def bar_page(desk: object, subject: str) -> None:
    import streamlit as st

    from portal.components.desk import job_bar

    st.text("busy" if job_bar(desk, subject) else "idle")  # type: ignore[arg-type]


def page(governance: Governance, subject: str, actor: Actor = BUILDER) -> AppTest:
    desk = Desk(governance, actor, governance.moment(later(5)))
    return AppTest.from_function(bar_page, kwargs={"desk": desk, "subject": subject})


def begin(subject: str, work: Callable[[JobControl], str]) -> str:
    return start_job("refresh_monitoring", subject, work, BUILDER)


def until_stopped(control: JobControl) -> str:
    control.report(0.5, "Two of four <b>chunks</b>.")
    ready.set()
    control.cancelled.wait(20)
    control.raise_if_cancelled()
    return "never"


ready = threading.Event()


def test_nothing_is_drawn_where_nothing_runs(governance: Governance) -> None:
    at = page(governance, "bar/none").run()
    assert [text.value for text in at.text] == ["idle"]
    assert not at.button


def test_a_running_job_is_shown_on_every_page_and_stopped_by_its_owner_only(governance: Governance) -> None:
    ready.clear()
    job = begin("bar/1", until_stopped)
    assert ready.wait(10)
    stranger = page(governance, "bar/1", OWNER).run()
    assert [text.value for text in stranger.text] == ["busy"]
    stranger.button[0].click().run()
    assert "somebody else" in stranger.error[0].value
    at = page(governance, "bar/1").run()
    bar = at.get("progress")[0].proto
    assert bar.value == 50
    assert "<b>" not in bar.text.replace("\\<b\\>", "")
    at.button[0].click().run()
    assert wait_for(job, 10).state == "cancelled"
    at.run()
    assert "stopped" in at.info[0].value
    assert [text.value for text in at.text] == ["idle"]


def test_the_outcome_stands_until_it_is_closed(governance: Governance) -> None:
    wait_for(begin("bar/2", lambda control: "12 estimates are on record."), 10)
    at = page(governance, "bar/2").run()
    assert "12 estimates are on record" in at.success[0].value
    at.button[0].click().run()
    at.run()
    assert not at.success


def test_a_refusal_is_told_with_its_remedy(governance: Governance) -> None:
    def refuse(control: JobControl) -> str:
        raise BadInput("there is no reference batch", remedy="Add one.")

    wait_for(begin("bar/3", refuse), 10)
    at = page(governance, "bar/3").run()
    assert "Add one" in at.error[0].value
