"""A policy is drafted, compared, previewed, reviewed by somebody else, and only then in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy, make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.services.governance import Governance
from core.services.process.gates import ask_gate
from core.services.rules.policies import draft_policy, policy_drafts, publish_policy
from core.services.rules.previews import Reclassified, compare_policy, preview_policy, review_policy
from tests.conftest import ADMIN, CONFIG, OUTSIDER, OWNER, VALIDATOR, later, register
from tests.process import (
    BUSINESS,
    ask,
    decide,
    prove_all,
    publish,
    put_in_force,
    refused,
    seat_signers,
    sign,
    version,
    without_predictions,
)
from tests.services.test_findings_and_waivers import LIVE, register_moderate

SHIPPED = (CONFIG / "policy.yaml").read_text(encoding="utf-8")
MODERATE_ROW = "  moderate:\n    reproducibility: 1\n"


def newer(text: str = SHIPPED, **changes: str) -> str:
    """The policy with another version and some words replaced, each of which stands in it."""
    for old, new in {'version: "2.0"': 'version: "2.1"', **changes}.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


STRICTER = newer(**{MODERATE_ROW: MODERATE_ROW.replace("1", "2")})


def draft(governance: Governance, text: str = STRICTER, day: float = 2, actor: Any = VALIDATOR) -> str:
    command = make(DraftPolicy, actor=actor, at=later(day), text=text, note="Audit asked for it.")
    return draft_policy(governance, command)


def review(governance: Governance, day: float = 3, actor: Any = ADMIN, outcome: str = "approved") -> None:
    values = {"draft": "P1", "outcome": outcome, "note": "Read it and its preview."}
    review_policy(governance, make(ReviewPolicy, actor=actor, at=later(day), **values))


def put(governance: Governance, day: float = 4, name: str = "P1", actor: Any = VALIDATOR) -> None:
    publish_policy(governance, make(PublishPolicy, actor=actor, at=later(day), draft=name))


def test_a_draft_changes_nothing_until_it_is_approved_by_another_and_published(
    governance: Governance,
) -> None:
    assert draft(governance) == "P1"
    assert governance.policy(governance.moment(later(2.5))).version == "2.0"
    refused(governance, Conflict, "is drafted, not approved", lambda: put(governance, 2.6))
    both = VALIDATOR.model_copy(update={"roles": ("risk_audit", "administrator", "head_of_risk")})
    refused(
        governance,
        Forbidden,
        "nobody reviews a policy that they drafted",
        lambda: review(governance, actor=both),
    )
    review(governance)
    put(governance)
    assert governance.policy(governance.moment(later(5))).version == "2.1"
    assert governance.policy(governance.moment(later(3.5))).version == "2.0", "as it stood"
    states = [row.state for row in policy_drafts(governance, governance.moment(later(5)))]
    assert states == ["published"]


@pytest.mark.parametrize(
    ("attempt", "kind", "words"),
    [
        (lambda g: draft(g, SHIPPED), Conflict, "'2.0' was published before"),
        (lambda g: draft(g, SHIPPED + "\nunknown: 1\n"), BadInput, "unknown"),
        (lambda g: draft(g, actor=OUTSIDER), Forbidden, "may not draft a policy"),
        (review, NotFound, "no policy draft 'P1'"),
        (put, NotFound, "no policy draft 'P1'"),
        (lambda g: put(g, actor=OWNER), Forbidden, "may not publish a policy"),
        (lambda g: compare_policy(g, g.moment(later(2))), BadInput, "name a draft or give a policy file"),
    ],
)
def test_wrong_input_is_one_sentence_and_stores_nothing(
    governance: Governance, attempt: Callable[..., Any], kind: type[GovernanceError], words: str
) -> None:
    refused(governance, kind, words, lambda: attempt(governance))


def test_the_first_review_stands_and_a_rejected_draft_is_never_in_force(governance: Governance) -> None:
    draft(governance)
    review(governance, outcome="rejected")
    refused(governance, Conflict, "was rejected by", lambda: review(governance, 3.5))
    refused(governance, Conflict, "is rejected, not approved", lambda: put(governance))


def test_a_draft_against_a_policy_that_has_gone_is_not_published(governance: Governance) -> None:
    draft(governance)
    review(governance)
    publish(
        governance,
        newer(**{"expiring_days: 30": "expiring_days: 20", 'version: "2.1"': 'version: "2.2"'}),
        3.5,
    )
    refused(governance, Conflict, "was made against 2.0; 2.2 came since", lambda: put(governance))


def test_a_comparison_names_every_cell_and_what_it_asks(governance: Governance) -> None:
    text = newer(
        STRICTER.replace('version: "2.1"', 'version: "2.0"'),
        **{
            "max_days: 60": "max_days: 50",
            "[{role: business_stakeholder}]": "[{role: business_stakeholder, quorum: 2}]",
            "delegation_days: 60": "delegation_days: 30",
        },
    )
    # A stricter rung never asks for less, so the rungs above need the second signature too.
    text = text.replace(
        "{role: business_stakeholder}, {role", "{role: business_stakeholder, quorum: 2}, {role"
    )
    found = compare_policy(governance, governance.moment(later(2)), text=text)
    assert (found.before, found.after) == ("2.0", "2.1")
    by_part = {(change.part, change.subject): change for change in found.changes}
    cell = by_part["matrix", "Moderate × Reproducibility and traceability"]
    assert cell.direction == "stricter"
    assert cell.before == "1: Metrics of the deployed model recorded"
    assert cell.after == "2: Environment re-created and model retrained on a sample"
    assert by_part["other", "longest delegation"].after == "30 days"
    signed = by_part["signatures", "Acceptance by the business, at deployment"]
    assert signed.before.startswith("1 business stakeholder")
    assert signed.after.startswith("2 business stakeholder")
    assert ("waivers", "very high") in by_part
    same = compare_policy(governance, governance.moment(later(2)), text=newer())
    assert same.changes == ()


def test_a_preview_says_which_gates_shut_and_how_much_work_it_makes(governance: Governance) -> None:
    seat_signers(governance)
    lenient = without_predictions()
    put_in_force(governance, lenient)
    register(governance)
    live = register_moderate(governance)
    version(governance, live)
    prove_all(governance, live, 3)
    ask(governance, live, "deployment", 3.1)
    sign(governance, live, "deployment", 3.2, BUSINESS)
    assert decide(governance, live, "deployment", 3.3).is_open
    stricter = lenient.replace("version: no-predictions", "version: stricter", 1)
    start = stricter.index("matrix:\n")
    head, matrix = stricter[:start], stricter[start:]
    moderate = matrix.index("  moderate:\n")
    stricter = (
        head + matrix[:moderate] + matrix[moderate:].replace("reproducibility: 1", "reproducibility: 2", 1)
    )
    at = governance.moment(later(4))
    found = preview_policy(governance, at, text=stricter)
    assert found.totals.initiatives == 2
    assert [(row.requirement, row.initiatives) for row in found.work] == [
        ("owner_declaration:deployment", 1),  # the signature saw less than is asked for now
        ("retrain_sample", 1),
    ]
    assert found.spared == ()
    assert [(row.initiative, row.gate) for row in found.reopened] == [(LIVE, "deployment")]
    assert found.fallen == (), "it is not due yet"
    late = preview_policy(governance, governance.moment(later(60)), text=stricter)
    assert [row.initiative for row in late.fallen] == [LIVE]
    # The preview is what happens: publish it, and the gate is shut.
    put_in_force(governance, stricter, 5)
    assert not ask_gate(governance, LIVE, "deployment", governance.moment(later(6))).is_open
    assert ask_gate(governance, LIVE, "deployment", at).is_open, "as it stood"


def test_a_preview_counts_those_whose_answers_lead_elsewhere(governance: Governance) -> None:
    register(governance)
    text = newer(**{"from_score: 16": "from_score: 60"})
    found = preview_policy(governance, governance.moment(later(2)), text=text)
    assert found.reclassified == (Reclassified("Very high", "High", 1),)


def test_a_preview_puts_nothing_on_record(governance: Governance) -> None:
    register(governance)
    head = governance.store.head()
    preview_policy(governance, governance.moment(later(2)), text=STRICTER)
    assert governance.store.head() == head
