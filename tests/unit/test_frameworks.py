"""The list of frameworks: whole, dated, and refused where it names what is not there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.connectors.config_files import Rules, check_config, read_config, read_ethics, read_policy
from core.connectors.yaml_lines import BadFile
from core.domain.actors import Roles
from core.domain.policy.policy import Policy
from core.domain.rules.ethics import Ethics
from core.domain.rules.frameworks import (
    Circumstances,
    ClauseState,
    Coverage,
    Framework,
    Frameworks,
    Rights,
    Standing,
    answering,
    applicable_clauses,
    applies,
    clause_state,
)

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(CONFIG / "policy.yaml", read_config(CONFIG / "roles.yaml", Roles))[0]


@pytest.fixture(scope="module")
def ethics() -> Ethics:
    return read_ethics(CONFIG / "ethics.yaml")[0]


@pytest.fixture(scope="module")
def listed(policy: Policy, ethics: Ethics) -> Frameworks:
    return read_config(CONFIG / "frameworks.yaml", Frameworks)


def numbers(framework: Framework) -> list[str]:
    return [clause.number for clause in framework.clauses]


def test_every_row_of_the_chapter_and_the_newer_texts_are_listed(listed: Frameworks) -> None:
    assert set(listed.by_id) == {
        "gxp", "pra_ss1_23", "pra_four", "sr_26_2", "sr_11_7", "gdpr", "ccpa", "eu_seven", "eu_ai_act",
        "oecd", "singapore", "omb_m_25_21", "omb_m_24_10", "uk_principles", "australia", "nist_ai_rmf",
        "iso_42001",
    }  # fmt: skip


def test_the_sets_that_have_a_number_are_whole(listed: Frameworks) -> None:
    counts = {
        "pra_ss1_23": 5, "pra_four": 4, "gdpr": 7, "eu_seven": 7, "oecd": 5, "singapore": 4,
        "omb_m_25_21": 7, "uk_principles": 5, "australia": 8,
    }  # fmt: skip
    assert {name: len(listed.by_id[name].clauses) for name in counts} == counts
    alcoa = [clause.title for clause in listed.by_id["gxp"].clauses if clause.number.startswith("ALCOA")]
    assert alcoa == ["Attributable", "Legible", "Contemporaneous", "Original", "Accurate"]
    nist = [number.split()[0] for number in numbers(listed.by_id["nist_ai_rmf"])]
    assert {name: nist.count(name) for name in nist} == {"GOVERN": 6, "MAP": 5, "MEASURE": 4, "MANAGE": 4}
    iso = numbers(listed.by_id["iso_42001"])
    chapters = {"4": 4, "5": 3, "6": 3, "7": 5, "8": 4, "9": 3, "10": 2}
    wanted = [f"{chapter}.{place}" for chapter, n in chapters.items() for place in range(1, n + 1)]
    assert iso[:24] == wanted
    assert iso[24:] == [f"A.{place}" for place in range(2, 11)]


@pytest.mark.parametrize(
    ("framework", "day", "standing"),
    [
        ("pra_four", date(2024, 5, 16), Standing.IN_FORCE),
        ("pra_four", date(2024, 5, 17), Standing.SUPERSEDED),
        ("pra_ss1_23", date(2024, 5, 16), Standing.COMING),
        ("pra_ss1_23", date(2024, 5, 17), Standing.IN_FORCE),
        ("sr_11_7", date(2026, 4, 16), Standing.IN_FORCE),
        ("sr_11_7", date(2026, 4, 17), Standing.SUPERSEDED),
        ("sr_26_2", date(2026, 4, 16), Standing.COMING),
        ("sr_26_2", date(2026, 4, 17), Standing.GUIDANCE),
        ("omb_m_24_10", date(2025, 4, 3), Standing.SUPERSEDED),
        ("omb_m_25_21", date(2025, 4, 3), Standing.IN_FORCE),
        ("eu_ai_act", date(2026, 11, 24), Standing.IN_FORCE),
        ("oecd", date(2026, 11, 24), Standing.GUIDANCE),
        ("iso_42001", date(2026, 11, 24), Standing.VOLUNTARY),
    ],
)
def test_a_text_stands_where_its_dates_put_it(
    listed: Frameworks, framework: str, day: date, standing: Standing
) -> None:
    known = listed.by_id[framework]
    assert known.standing(day) is standing
    assert known.counts(day) is (standing not in (Standing.SUPERSEDED, Standing.COMING))


def test_the_duties_of_the_ai_act_bind_from_their_days(listed: Frameworks) -> None:
    act = listed.by_id["eu_ai_act"]
    assert {clause.group: clause.binding_from for clause in act.clauses} == {
        "Prohibited": date(2025, 2, 2),
        "High risk": date(2027, 12, 2),
        "Limited risk": date(2026, 8, 2),
        "Minimal risk": date(2026, 8, 2),
    }
    days = {milestone.day for milestone in act.dates}
    assert {date(2026, 8, 2), date(2027, 12, 2), date(2028, 8, 2)} <= days


def test_the_class_of_the_ai_act_follows_the_registration(listed: Frameworks) -> None:
    act = listed.by_id["eu_ai_act"]

    def groups(regions: str, **answers: str) -> set[str | None]:
        about = Circumstances("credit", {k: (v,) for k, v in answers.items()}, frozenset({regions}))
        return {clause.group for clause in applicable_clauses(act, about)}

    assert groups("eu", regulations="high_risk_rules") == {"Prohibited", "High risk"}
    assert groups("eu", regulations="no_rules", consumers="public") == {
        "Prohibited", "Limited risk", "Minimal risk",
    }  # fmt: skip
    assert groups("us", regulations="high_risk_rules") == set()


def test_personal_data_brings_the_rights_of_its_region(listed: Frameworks) -> None:
    def concerned(*regions: str, regulations: str = "personal_data") -> set[str]:
        about = Circumstances("marketing", {"regulations": (regulations,)}, frozenset(regions))
        return {name for name in ("gdpr", "ccpa") if applies(listed.by_id[name].when, about)}

    assert concerned("eu", "california") == {"gdpr", "ccpa"}
    assert concerned("eu") == {"gdpr"}
    assert concerned("uk", "us") == set()
    assert concerned("eu", "california", regulations="no_rules") == set()


def test_a_stricter_measure_of_a_ladder_answers_too_and_a_lighter_one_does_not(
    listed: Frameworks, policy: Policy
) -> None:
    clause = listed.by_id["eu_ai_act"].clause("oversight")
    assert clause is not None
    assert answering(policy, clause) == {"production_sign_off", "every_move_sign_off"}
    data = listed.by_id["eu_ai_act"].clause("data")
    assert data is not None
    # The ladder of data quality adds, so only what is named counts; that of bias testing replaces.
    assert answering(policy, data) == {"column_lineage", "anomaly_checks", "bias_measured", "red_team"}


def test_a_clause_stands_where_the_requirements_put_it(listed: Frameworks, policy: Policy) -> None:
    clause = listed.by_id["sr_11_7"].clause("conceptual")
    assert clause is not None
    assert clause_state(policy, clause, {"owner_declaration": True}) is ClauseState.NOT_ASKED
    both = {"production_sign_off:deployment": True, "hand_coded_validation": False}
    assert clause_state(policy, clause, both) is ClauseState.OPEN
    assert clause_state(policy, clause, {**both, "hand_coded_validation": True}) is ClauseState.MET
    vendors = listed.by_id["sr_26_2"].clause("vendors")
    assert vendors is not None
    assert clause_state(policy, vendors, {"owner_declaration": True}) is ClauseState.GAP


def test_the_share_leaves_out_what_is_not_asked_and_counts_gaps_against() -> None:
    coverage = Coverage(met=2, open=1, not_asked=4, gap=1)
    assert (coverage.counted, coverage.share) == (4, 0.5)  # 2 / (2 + 1 + 1)
    assert (coverage + Coverage(met=1)).share == 0.6  # 3 / 5
    assert Coverage(not_asked=3).share is None


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (
            "measures: [naming_and_owner]",
            "measures: [naming]",
            "'naming' is not a known measure. Use one of:",
        ),
        ("domains: [medicines]", "domains: [drugs]", "'drugs' is not a known domain. Use one of: credit"),
        ("regions: [uk], d", "regions: [mars], d", "'mars' is not a known region. Use one of: eu, uk"),
        ("superseded_by: sr_26_2", "superseded_by: sr_x", "'sr_x' is not a known framework. Use one of: gxp"),
        ("{regulations: [personal", "{rules: [personal", "'rules' is not a known question. Use one of: reg"),
        ("[personal_data]}}", "[secret_data]}}", "'secret_data' is not a known answer. Use one of: no_rules"),
        ("operates_in: [eu,", "operates_in: [moon,", "'moon' is not a known region."),
        ("  - id: iso_42001", "  - id: oecd", "framework 'oecd' is listed twice. Keep one of them."),
        ("      - id: c4_2", "      - id: c4_1", "clause 'c4_1' is listed twice. Keep one of them."),
        (
            "        measures: [full_snapshot]\n",
            "",
            "clause 'original' has no measure and says nothing of the gap. Name measures, or say in 'gap'",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_file_and_line(
    policy: Policy, ethics: Ethics, right: str, wrong: str, words: str
) -> None:
    shipped = (CONFIG / "frameworks.yaml").read_text(encoding="utf-8")
    assert right in shipped
    text = shipped.replace(right, wrong, 1)
    path, beside = "frameworks.yaml", Rules({"frameworks.yaml": shipped})
    with pytest.raises(BadFile) as refusal:
        check_config(path, text, name=path, rules=beside, policy=policy, ethics=ethics)
    found = next(line for line in str(refusal.value).splitlines() if words in line)
    number = int(found.removeprefix(f"{path}:").split(":")[0])
    shown = text.splitlines()[number - 1]
    assert wrong.strip() in shown if wrong else "id: original" in shown


def test_the_seven_rights_are_those_of_the_chapter(listed: Frameworks) -> None:
    rights = read_config(CONFIG / "rights.yaml", Rights)
    assert [right.id for right in rights.rights] == [
        "informed", "access", "correct", "forgotten", "restrict", "portability", "object",
    ]  # fmt: skip
    assert [right.id for right in rights.rights] == [clause.id for clause in listed.by_id["gdpr"].clauses]
    assert all(right.most_days <= 30 for right in rights.rights), "one month is the law's limit"
