"""Coverage of frameworks: SQL equals the rules, the drill-down reaches the proof, regions decide."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.domain.commands import RegisterInitiative, RunChecks, SubmitEvidence, make
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.process.requirements import requirement_states
from core.domain.rules.frameworks import ClauseState, Coverage, applicable_clauses, clause_state
from core.lake.process.clause_tally import clause_states, initiatives_in_scope
from core.lake.process.inventory import initiative_facts
from core.lake.store import open_memory_store
from core.services.governance import Governance, wire
from core.services.process.checks import run_checks
from core.services.process.evidence import submit_evidence
from core.services.process.initiatives import register_initiative
from core.services.record.people import found_store
from core.services.rules.frameworks import circumstances, clause_proofs, clause_scope, framework_overview
from core.services.rules.initiative_frameworks import (
    RecordRegions,
    clause_references,
    initiative_frameworks,
    record_regions,
)
from tests.conftest import ADMIN, BUILDER, CONFIG, OUTSIDER, OWNER, START, later, register, rules_of


def add(governance: Governance, name: str, domain: str, **answers: str) -> str:
    """Register an initiative with the lightest answers but those given."""
    policy = governance.policy(governance.moment(later(0)))
    lightest = {q.id: (min(q.options, key=lambda option: option.weight).id,) for q in policy.questions}
    command = make(
        RegisterInitiative, actor=BUILDER, at=later(1), name=name, purpose="Try what applies.",
        domain=domain, team="Credit", owner=OWNER.id, builder=BUILDER.id,
        answers={**lightest, **{question: (option,) for question, option in answers.items()}},
    )  # fmt: skip
    return register_initiative(governance, command).initiative


def prove(governance: Governance, initiative: str, measure: str, days: float = 3) -> None:
    command = make(
        SubmitEvidence, actor=BUILDER, at=later(days), initiative=initiative, measure=measure,
        title="Note on it", link="https://wiki.example/note",
    )  # fmt: skip
    submit_evidence(governance, command)


@pytest.fixture
def varied(governance: Governance) -> Moment:
    """Initiatives of every class and several domains; some have proved something, one has regions."""
    add(governance, "Lunch Forecast", "operations")
    add(governance, "Mailing List", "marketing", regulations="personal_data", availability="scheduled")
    add(governance, "Dose Finder", "medicines", error_impact="personal", lifetime="years")
    add(governance, "Benefit Check", "public_services", regulations="high_risk_rules", consumers="public")
    heavy = register(governance, "Credit Scoring", heavy=True)
    prove(governance, heavy, "purpose_and_personal_data")
    prove(governance, heavy, "column_lineage")
    run_checks(governance, RunChecks(actor=BUILDER, at=later(4), initiative="lunch-forecast"))
    command = make(
        RecordRegions, actor=BUILDER, at=later(5), initiative="mailing-list",
        regions=("singapore", "eu"), reason="Mailed to customers there.",
    )  # fmt: skip
    record_regions(governance, command)
    return governance.moment(later(6))


def test_the_query_says_of_every_clause_what_the_rules_say(governance: Governance, varied: Moment) -> None:
    store, policy, listed = governance.store, governance.policy(varied), rules_of(governance).frameworks
    expected = set()
    for row in initiatives_in_scope(store, varied):
        facts = initiative_facts(store, row.initiative, varied)
        assert facts is not None
        states = requirement_states(policy, facts, varied.day)
        asked = {state.requirement.id: state.satisfied for state in states}
        for framework in listed.frameworks:
            for clause in applicable_clauses(framework, circumstances(listed, row, row.regions)):
                state = clause_state(policy, clause, asked).value
                expected.add((row.initiative, framework.id, clause.id, state))
    scope = clause_scope(governance, policy, varied)
    found = {tuple(row.values()) for row in clause_states(store, policy, varied, scope)}
    assert found == expected
    assert {state for *_, state in found} == set(ClauseState), "every state occurs, so the test can fail"


def test_the_overview_adds_up_to_the_initiatives(governance: Governance, varied: Moment) -> None:
    overview = framework_overview(governance, varied)
    sheets = [
        initiative_frameworks(governance, varied, initiative=row.initiative)
        for row in initiatives_in_scope(governance.store, varied)
    ]
    for line in overview.lines:
        own = [one for sheet in sheets for one in sheet.frameworks if one.framework == line.framework]
        assert line.initiatives == len(own)
        assert line.coverage == sum((one.coverage for one in own), Coverage())
        assert sum(line.by_class.values(), Coverage()) == line.coverage
        assert sum((clause.coverage for clause in line.clauses), Coverage()) == line.coverage
    assert overview.overall == sum((sheet.overall for sheet in sheets), Coverage())
    assert overview.overall.gap, "gaps are counted and not hidden"


def test_superseded_texts_are_shown_and_not_counted(governance: Governance, varied: Moment) -> None:
    sheet = initiative_frameworks(governance, varied, initiative="credit-scoring")
    standings = {one.framework.id: one.standing.value for one in sheet.frameworks}
    assert (standings["pra_four"], standings["pra_ss1_23"]) == ("superseded", "in_force")
    # The record is read in January 2026: the letter of April 2026 is still to come.
    assert (standings["sr_11_7"], standings["sr_26_2"]) == ("in_force", "coming")
    counted = [one for one in sheet.frameworks if one.framework.counts(varied.day)]
    assert {"pra_four", "sr_26_2"}.isdisjoint(one.framework.id for one in counted)
    assert sheet.overall == sum((one.coverage for one in counted), Coverage())


def test_a_clause_leads_to_its_measures_and_they_to_the_proof(governance: Governance, varied: Moment) -> None:
    lines = clause_proofs(governance, varied, framework="gdpr", clause="access", initiative="credit-scoring")
    assert lines == (), "the heaviest answers name high-risk rules, and no personal data"
    lines = clause_proofs(governance, varied, framework="eu_ai_act", clause="data")
    shown = {(line.name, line.measure): (line.status, line.proof) for line in lines}
    status, proof = shown["Credit Scoring", "Column-level lineage documented and reviewed"]
    assert status == "met"
    assert proof == "“Note on it” (link https://wiki.example/note) by Bram Builder on 2026-01-08"
    assert shown["Credit Scoring", "Automated data quality checks"][0] == "missing"
    assert [line.satisfied for line in lines] == sorted(line.satisfied for line in lines), (
        "what is open first"
    )
    entries = [line.seq for line in lines if line.satisfied]
    assert all(entry is not None for entry in entries)
    checked = clause_proofs(governance, varied, framework="oecd", clause="accountability")
    proofs = {line.name: line.proof for line in checked if line.measure.startswith("Automatic checks on n")}
    parts = [f"{CHECKS[check].title}: pass on 2026-01-09" for check in ("naming_standard", "owner_set")]
    found = proofs["Lunch Forecast"].split("; ")
    assert [part.casefold() for part in found] == [part.casefold() for part in parts]


def test_a_new_proof_meets_a_clause_from_its_moment_on(governance: Governance, varied: Moment) -> None:
    def state(moment: Moment) -> str:
        sheet = initiative_frameworks(governance, moment, initiative="mailing-list")
        gdpr = next(one for one in sheet.frameworks if one.framework.id == "gdpr")
        return next(one.state for one in gdpr.clauses if one.clause.id == "informed").value

    assert state(varied) == "open"
    prove(governance, "mailing-list", "purpose_and_personal_data", days=7)
    assert state(governance.moment(later(8))) == "met"
    assert state(varied) == "open", "as it stood then"


def test_regions_that_were_recorded_decide_what_applies(governance: Governance, varied: Moment) -> None:
    def concerned(moment: Moment) -> set[str]:
        sheet = initiative_frameworks(governance, moment, initiative="mailing-list")
        return {one.framework.id for one in sheet.frameworks}

    before = governance.moment(later(4.5))
    assert {"gdpr", "ccpa", "uk_principles"} <= concerned(before), "where the organisation works"
    assert "singapore" not in concerned(before)
    now = concerned(varied)
    assert {"gdpr", "singapore"} <= now
    assert {"ccpa", "uk_principles"}.isdisjoint(now)
    sheet = initiative_frameworks(governance, varied, initiative="mailing-list")
    assert (sheet.regions, sheet.own_regions) == (("European Union", "Singapore"), True)
    why = {one.framework.id: one.why for one in sheet.frameworks}
    assert why["gdpr"] == (
        "It applies because people in European Union are concerned and the registration says "
        "“Rules on personal data”."
    )
    assert why["oecd"] == "It applies to every initiative."


def test_wrong_regions_are_refused_and_nothing_is_stored(governance: Governance, varied: Moment) -> None:
    head = governance.store.head()

    def give(actor: object = BUILDER, **changes: object) -> None:
        values = {"initiative": "mailing-list", "regions": ("eu",), "reason": "Customers live there."}
        record_regions(governance, make(RecordRegions, actor=actor, at=later(9), **{**values, **changes}))

    with pytest.raises(BadInput, match="'mars' is no known region"):
        give(regions=("mars",))
    with pytest.raises(BadInput, match="reason needs at least 10 characters"):
        give(reason="why not")
    with pytest.raises(BadInput, match="regions needs at least 1"):
        give(regions=())
    with pytest.raises(NotFound, match="no initiative 'nobody' is registered"):
        give(initiative="nobody")
    with pytest.raises(Forbidden, match="may not say where the people concerned live"):
        give(actor=OUTSIDER)
    assert governance.store.head() == head


def test_what_there_is_not_is_said_with_what_there_is(governance: Governance, varied: Moment) -> None:
    with pytest.raises(NotFound, match=r"'basel' is no known framework. Use one of: gxp, pra_ss1_23"):
        framework_overview(governance, varied).line("basel")
    with pytest.raises(NotFound, match=r"'art99' is no clause \(GDPR\)"):
        clause_proofs(governance, varied, framework="gdpr", clause="art99")


def test_an_empty_inventory_has_no_share(governance: Governance) -> None:
    overview = framework_overview(governance, governance.moment(later(0)))
    assert overview.overall.share is None
    assert all(line.initiatives == 0 for line in overview.lines)


def test_the_proofs_of_one_initiative_are_those_of_the_whole_inventory(
    governance: Governance, varied: Moment
) -> None:
    sheet = initiative_frameworks(governance, varied, initiative="credit-scoring")
    act = next(one for one in sheet.frameworks if one.framework.id == "eu_ai_act")
    for answer in act.clauses[:4]:
        lines = clause_proofs(
            governance, varied, framework="eu_ai_act", clause=answer.clause.id, initiative="credit-scoring"
        )
        assert sorted(lines, key=str) == sorted(answer.proofs, key=str)
    assert any(line.satisfied for answer in act.clauses for line in answer.proofs)


def test_a_wrong_list_beside_the_store_is_refused_with_file_and_line(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    file = config / "frameworks.yaml"
    text = file.read_text(encoding="utf-8").replace("[naming_and_owner]", "[naming_and_owner, magic]", 1)
    file.write_text(text, encoding="utf-8")
    opened = wire(open_memory_store(tmp_path / "store"), config)
    line = next(place for place, said in enumerate(text.splitlines(), 1) if "magic" in said)
    with pytest.raises(BadInput, match=rf"frameworks\.yaml:{line}: 'magic' is not a known measure\."):
        found_store(opened, config, ADMIN, START, demo=False)
    assert not opened.founded
    opened.close()


def test_a_stricter_measure_names_the_clauses_of_the_lighter_ones(
    governance: Governance, varied: Moment
) -> None:
    found = clause_references(governance, varied, initiative="credit-scoring")
    # Article 14 names the sign-off before production; the sign-off of every move stands above it.
    assert "EU AI Act Article 14" in found["production_sign_off"]
    assert "EU AI Act Article 14" in found["every_move_sign_off"]
    assert "EU AI Act Article 14" not in found["owner_declaration"]
