"""Clocks only label: a command reads what it wrote, and a wrong clock is said and blocks nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from core.domain.commands import (
    DecideGate,
    DraftPolicy,
    RegisterInitiative,
    RegisterModelVersion,
    RunChecks,
    make,
)
from core.domain.errors import BadInput, Conflict
from core.domain.facts.process import CheckRun, Finding
from core.domain.facts.rules import PolicyDraft
from core.domain.moment import CLOCK_TOLERANCE
from core.domain.policy.checks import CHECKS
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.commands import RaiseFinding, RequestWaiver
from core.lake.facts import history, newest
from core.lake.query import fetch
from core.services.case import registered
from core.services.governance import Governance, read_moment
from core.services.models.versions import register_model_version
from core.services.process.checks import run_checks
from core.services.process.findings import raise_finding, request_waiver
from core.services.process.gates import decide_gate
from core.services.process.initiatives import register_initiative
from core.services.record.checkpoints import verify_against
from core.services.record.entries import clock_remark, record_page, replay_decision
from core.services.rules.policies import draft_policy
from core.services.work.hand_offs import OfferHandOff, offer_hand_off
from core.services.work.routing import WriteComment, comments_on, write_comment
from core.services.work.tasks import open_tasks
from tests.conftest import ADMIN, BUILDER, CONFIG, OWNER, VALIDATOR, answers_for, later, register

NOW = later(40).replace(hour=22)
AHEAD = NOW + timedelta(hours=3)
"""What a wrong clock said before; it lies behind midnight."""
THREADS, EACH = 8, 3


def comment(governance: Governance, initiative: str, at: datetime, text: str = "Seen.") -> str:
    return write_comment(
        governance, make(WriteComment, actor=BUILDER, at=at, initiative=initiative, text=text)
    )


@pytest.fixture
def initiative(governance: Governance) -> str:
    """An initiative with one entry that a clock three hours ahead wrote, after midnight."""
    name = register(governance)
    comment(governance, name, AHEAD, "Written with a clock three hours ahead.")
    return name


def another(governance: Governance, name: str, at: datetime) -> str:
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=at,
        name=name,
        purpose="Advise customers on the limit of their card.",
        domain="credit",
        team="Credit",
        owner=OWNER.id,
        builder=BUILDER.id,
        answers=answers_for(governance, heavy=True),
    )
    return register_initiative(governance, command).initiative


def test_an_entry_of_a_clock_ahead_freezes_nothing(governance: Governance, initiative: str) -> None:
    new = another(governance, "Loan Repayment Outlook", NOW)
    present = governance.present(NOW)

    assert history(governance.store, CheckRun, present, new), "its first checks are there"
    assert comment(governance, new, NOW + timedelta(minutes=1)) == f"{new}/comment-1"
    assert comment(governance, initiative, NOW + timedelta(minutes=2)) == f"{initiative}/comment-2"
    assert len(comments_on(governance, governance.present(NOW), initiative=initiative)) == 2
    assert record_page(governance, governance.present(NOW), most=1)[0].subject == f"{initiative}/comment-2"


def test_a_decision_behind_midnight_is_made_and_replayed_on_one_day(
    governance: Governance, initiative: str
) -> None:
    policy = governance.policy(governance.present(NOW))
    decided = make(DecideGate, actor=BUILDER, at=NOW, initiative=initiative, gate=policy.gates[-1].id)
    decide_gate(governance, decided)

    present = governance.present(NOW)
    assert present.day == AHEAD.date()
    decision = record_page(governance, present, action="gate_decided", most=1)[0]
    assert replay_decision(governance, present, seq=decision.seq).same


@pytest.mark.parametrize("as_of", ["", f"{AHEAD:%Y-%m-%d}"])
def test_the_present_is_all_that_is_on_record(governance: Governance, initiative: str, as_of: str) -> None:
    assert read_moment(governance, NOW, as_of) == governance.present(NOW)
    assert governance.present(NOW).seq == governance.store.head()


def test_the_past_is_read_by_the_time_of_the_entries(governance: Governance, initiative: str) -> None:
    then = read_moment(governance, NOW, f"{later(20):%Y-%m-%d}")

    assert (then.seq, then.day) == (governance.store.head() - 1, later(20).date())
    assert read_moment(governance, NOW, f"{NOW:%Y-%m-%d}").seq == governance.store.head() - 1
    ahead = read_moment(governance, NOW, f"{AHEAD + timedelta(days=1):%Y-%m-%d}")
    assert (ahead.seq, ahead.day) == (governance.store.head(), AHEAD.date() + timedelta(days=1))
    with pytest.raises(BadInput, match="lies too far ahead"):
        read_moment(governance, NOW, "2999-01-01")


def test_a_clock_behind_the_record_is_said_and_the_record_is_whole(
    governance: Governance, initiative: str
) -> None:
    head = governance.store.head()
    remark = clock_remark(governance, NOW)
    found = verify_against(governance, clock=NOW).record

    assert remark.startswith(
        f"entry {head} lies up to 3 hours ahead of this machine's clock (2026-02-14 22:00"
    )
    assert "Nothing is blocked" in remark
    assert (found.first_break, found.notes[0]) == (None, remark)
    comment(governance, initiative, NOW)
    assert clock_remark(governance, NOW).startswith(f"2 entries, from {head} on, lie up to 3 hours ahead")


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (-timedelta(days=1), ""),
        (timedelta(0), ""),
        (CLOCK_TOLERANCE, ""),
        (CLOCK_TOLERANCE + timedelta(minutes=1), "6 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_a_clock_within_the_tolerance_is_not_worth_a_word(
    governance: Governance, initiative: str, behind: timedelta, said: str
) -> None:
    remark = clock_remark(governance, AHEAD - behind)
    assert f"up to {said} ahead" in remark if said else remark == ""


def at_once(act: Callable[[int, int], str]) -> list[str]:
    """What all the threads got, each acting several times, all of them from the same moment on."""
    start = Barrier(THREADS)

    def work(thread: int) -> list[str]:
        start.wait()
        return [act(thread, turn) for turn in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [name for names in pool.map(work, range(THREADS)) for name in names]


def numbered(pattern: str) -> set[str]:
    return {pattern.format(number) for number in range(1, THREADS * EACH + 1)}


def test_comments_at_once_get_numbers_of_their_own(governance: Governance) -> None:
    name = register(governance)
    written = at_once(lambda thread, turn: comment(governance, name, NOW, f"Comment {thread}.{turn}"))

    assert set(written) == numbered(f"{name}/comment-{{}}")
    assert len(comments_on(governance, governance.present(NOW), initiative=name)) == THREADS * EACH


def test_findings_at_once_get_names_of_their_own(governance: Governance) -> None:
    name = register(governance)
    step = governance.policy(governance.present(NOW)).steps[0].id

    def find(thread: int, turn: int) -> str:
        command = make(
            RaiseFinding,
            actor=VALIDATOR,
            at=NOW,
            initiative=name,
            severity="minor",
            title=f"Finding {thread}.{turn}",
            detail="Something is missing.",
            step=step,
            due_on=NOW.date(),
        )
        return raise_finding(governance, command)

    assert set(at_once(find)) == numbered("F{}")
    assert len(newest(governance.store, Finding, governance.present(NOW), name)) == THREADS * EACH


def test_waivers_asked_for_at_once_get_names_of_their_own(governance: Governance) -> None:
    name = register(governance)
    policy = governance.policy(governance.present(NOW))
    known = registered(governance, name, governance.present(NOW))
    asked = requirements_of(policy, known.class_id)
    measures = [r.measure.id for r in asked if r.sign_off is None and r.measure.waivable][:THREADS]
    assert len(measures) == THREADS

    def request(thread: int, _: int) -> str:
        values = {"reason": "It is a trial.", "compensation": "We look at it weekly.", "until": NOW.date()}
        measure = measures[thread % len(measures)]
        command = make(RequestWaiver, actor=BUILDER, at=NOW, initiative=name, measure=measure, **values)
        try:
            return request_waiver(governance, command)
        except Conflict as error:
            assert "is requested already" in str(error)
            return ""

    names = [found for found in at_once(request) if found]
    assert sorted(names) == sorted(f"W{number}" for number in range(1, len(measures) + 1))


def test_offers_at_once_get_names_of_their_own(governance: Governance) -> None:
    name = register(governance)
    tasks = [task.key for task in open_tasks(governance, governance.present(NOW), initiative=name)]
    tasks = [key for key in tasks if key.startswith("requirement:")][:THREADS]
    assert len(tasks) > 3

    def offer(thread: int, _: int) -> str:
        task = tasks[thread % len(tasks)]
        command = make(
            OfferHandOff, actor=ADMIN, at=NOW, task=task, to_team="Risk", reason="They have the time for it."
        )
        try:
            return offer_hand_off(governance, command)
        except Conflict as error:
            assert "on offer already" in str(error)
            return ""

    names = [found for found in at_once(offer) if found]
    assert sorted(names) == sorted(f"{name}/hand-off-{number}" for number in range(1, len(tasks) + 1))


def test_drafts_at_once_get_names_of_their_own(governance: Governance) -> None:
    text = (CONFIG / "policy.yaml").read_text(encoding="utf-8")
    version = governance.policy(governance.present(NOW)).version

    def draft(thread: int, turn: int) -> str:
        newer = text.replace(f'version: "{version}"', f'version: "9.{thread}.{turn}"', 1)
        return draft_policy(governance, make(DraftPolicy, actor=VALIDATOR, at=NOW, text=newer))

    assert set(at_once(draft)) == numbered("P{}")
    assert len(newest(governance.store, PolicyDraft, governance.present(NOW))) == THREADS * EACH


def test_of_checks_run_at_once_one_is_the_first(governance: Governance) -> None:
    name = register(governance, heavy=False)
    version = {"version": "1", "algorithm": "Gradient boosting", "task": "binary"}
    command = make(RegisterModelVersion, actor=BUILDER, at=NOW, initiative=name, **version)
    register_model_version(governance, command)
    runs = history(governance.store, CheckRun, governance.present(NOW), name)
    tried = {run.check_id for run in runs}
    check = next(check for check in CHECKS if check not in tried)

    def run(*_: int) -> str:
        run_checks(governance, make(RunChecks, actor=BUILDER, at=NOW, initiative=name, checks=(check,)))
        return check

    at_once(run)
    query = (
        "SELECT count(*) AS runs, count(*) FILTER (first_try) AS first FROM check_run WHERE check_id = $check"
    )
    found = fetch(governance.store.cursor(), query, {"check": check})[0]
    assert found == {"runs": THREADS * EACH, "first": 1}
