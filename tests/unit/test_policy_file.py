"""The shipped lists in `config/`, and how wrong files are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from pydantic import BaseModel

from core.connectors.config_files import parse_policy, policy_schema, read_config, read_ethics, read_policy
from core.connectors.yaml_lines import MAX_BYTES, BadFile, parse_lines, read_text
from core.domain.actors import ACTIONS, Roles
from core.domain.errors import BadInput
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.kpis import Kpis, Leaderboard
from core.domain.work.raci import Raci

CONFIG = Path(__file__).parents[2] / "config"
CONSIDERATIONS = {
    "reproducibility",
    "documentation",
    "sign_off",
    "preproduction_verification",
    "explainability",
    "bias_testing",
    "deployment_mode",
    "monitoring",
    "data_quality",
}


@pytest.fixture(scope="module")
def roles() -> Roles:
    return read_config(CONFIG / "roles.yaml", Roles)


@pytest.fixture(scope="module")
def policy(roles: Roles) -> Policy:
    return read_policy(CONFIG / "policy.yaml", roles)[0]


def test_the_shipped_policy_has_the_chapter_in_it(policy: Policy) -> None:
    assert len(policy.questions) == 8
    assert list(policy.class_order) == ["low", "moderate", "high", "very_high"]
    assert list(policy.step_order) == [
        "scoping", "ideation", "development", "preproduction", "deployment", "monitoring",
    ]  # fmt: skip
    assert {ladder.id for ladder in policy.considerations} == CONSIDERATIONS
    assert [ladder.id for ladder in policy.considerations if ladder.ladder == "adds"] == ["data_quality"]


def test_the_modes_carry_the_stars_of_figure_8_1(policy: Policy) -> None:
    stars = {
        mode.id: (
            mode.builder_autonomy,
            mode.versioning,
            mode.resources_separation,
            mode.sla_support,
            mode.external_integration,
        )
        for mode in policy.modes
    }
    assert stars == {
        "design_node": (3, 0, 0, 0, 0),
        "self_service_scheduling": (3, 3, 2, 0, 0),
        "light_deployment": (1, 3, 4, 1, 0),
        "controlled_cicd": (0, 3, 4, 4, 4),
    }
    availability = next(question for question in policy.questions if question.id == "availability")
    assert [option.mode for option in availability.options] == list(stars)


def test_low_asks_for_automatic_checks_only_and_none_that_needs_a_version(policy: Policy) -> None:
    asked = [requirement.measure for requirement in requirements_of(policy, "low")]
    assert [measure.evidence for measure in asked] == [None]
    assert not any(CHECKS[check].per_version for measure in asked for check in measure.checks)
    assert [gate.id for gate in policy.gates_of("low")] == ["deployment"]


def test_every_check_is_asked_for_by_a_class(policy: Policy) -> None:
    asked = {
        check
        for kind in ("machine_learned_model", "language_model_application")
        for requirement in requirements_of(policy.of(kind), "very_high")
        for check in requirement.measure.checks
    }
    assert asked | {"training_current"} == set(CHECKS)  # whether training is asked for is a choice


def test_evidence_reads_as_the_object_of_a_sentence(policy: Policy) -> None:
    for measure in policy.measures.values():
        if measure.evidence is not None:
            assert measure.evidence.startswith("the "), measure.id
            assert not measure.evidence.endswith("."), measure.id


def test_validation_and_red_team_are_independent_and_nothing_else(policy: Policy) -> None:
    independent = {measure.id for measure in policy.measures.values() if measure.independent}
    assert independent == {"hand_coded_validation", "red_team"}
    assert {policy.measures[measure].responsible for measure in independent} == {"risk_audit"}


def test_the_schema_for_editors_is_the_one_of_the_models(policy: Policy) -> None:
    text = (CONFIG / "policy.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(policy_schema(), indent=2) + "\n"
    first_line = (CONFIG / "policy.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=policy.schema.json"


def test_the_shipped_policy_keeps_to_the_schema_for_editors() -> None:
    shipped = yaml.safe_load((CONFIG / "policy.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(shipped, policy_schema())
    shipped["gates"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        jsonschema.validate(shipped, policy_schema())


def test_the_text_comes_back_as_written(roles: Roles) -> None:
    path = CONFIG / "policy.yaml"
    policy, text = read_policy(path, roles)
    assert text == path.read_text(encoding="utf-8")
    assert parse_policy(text, roles, name="policy.yaml") == policy


def test_every_action_may_be_taken_by_a_role_and_the_administrator_takes_all(roles: Roles) -> None:
    assert all(roles.allowed_roles(action) for action in ACTIONS)
    administrator = next(role for role in roles.roles if role.id == "administrator")
    assert set(administrator.may) == set(ACTIONS) - {"read_small_groups"}, "who runs it sees no single person"
    assert roles.allowed_roles("override_classification") == (
        "risk_audit",
        "head_of_risk",
        "administrator",
    )


def test_the_responsibility_matrix_is_figure_8_4(roles: Roles) -> None:
    raci = read_config(CONFIG / "raci.yaml", Raci)
    order = (
        "business_stakeholder business_analyst data_scientist risk_audit data_ops production resources_admin"
    )
    assert raci.roles == tuple(order.split())
    assert set(raci.roles) < {role.id for role in roles.roles}
    rows = {task.id: " ".join(task.letters.get(role, "-") for role in raci.roles) for task in raci.tasks}
    assert rows == {
        "identification": "A/R C - I - - -",
        "data_preparation": "C A/R C - - - -",
        "data_modeling": "C A R - - - -",
        "model_acceptance": "I C C A/R - - -",
        "productionalization": "- C A/R I C - -",
        "capitalization": "- - R - R - A",
        "external_integration": "- - - - A/R - -",
        "global_orchestration": "- C - - R A -",
        "acceptance_tests": "A/R R C - I - -",
        "deployments": "- - - - R A I",
        "monitoring": "I C - - - A/R I",
    }
    assert next(task for task in raci.tasks if task.id == "capitalization").responsible == (
        "data_scientist",
        "data_ops",
    )


def test_every_domain_has_a_limit_and_an_unknown_one_the_default() -> None:
    ethics = read_ethics(CONFIG / "ethics.yaml")[0]
    expected = "credit employment insurance marketing pricing operations public_services medicines other"
    assert [domain.id for domain in ethics.domains] == expected.split()
    assert ethics.limit_for("credit").sentence == "the lowest selection rate is at least 0.8 of the highest"
    points = "the highest selection rate is at most 10 points above the lowest"
    assert ethics.limit_for("pricing").sentence == points
    assert ethics.limit_for("space travel") == ethics.default
    assert (ethics.domain_title("public_services"), ethics.domain_title("x")) == ("Public services", "x")


def test_the_kpis_that_pages_name_are_defined_with_their_windows() -> None:
    kpis = read_config(CONFIG / "kpis.yaml", Kpis)
    assert not kpis.faults
    windows = {kpi.id: kpi.window_days for kpi in kpis.kpis if kpi.window_days is not None}
    assert windows == {"first_time_pass_rate": 90, "deadlines_met": 90, "days_to_deployment": 180}


def test_the_leaderboard_asks_for_ten_counted_in_ninety_days() -> None:
    rules = read_config(CONFIG / "leaderboard.yaml", Leaderboard)
    assert (rules.window_days, rules.minimum, rules.confidence) == (90, 10, 0.95)


def refused(path: Path, text: str, read: Callable[[Path], object]) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as refusal:
        read(path)
    return str(refusal.value)


def reading(kind: type[BaseModel]) -> Callable[[Path], object]:
    return partial(read_config, kind=kind)


def test_wrong_lists_name_file_line_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    role = "  - {id: a, title: A, may: [decide_gate]}\n"
    assert refused(path, f"roles:\n{role}{role}", reading(Roles)) == (
        f"{path}:3: role 'a' is listed twice. Keep one of them."
    )
    unknown = refused(path, "roles:\n  - id: a\n    title: A\n    may:\n      - fly\n", reading(Roles))
    assert unknown.startswith(f"{path}:5: 'fly' is no known action. Use one of: ")
    shipped = (CONFIG / "raci.yaml").read_text(encoding="utf-8")
    text = shipped.replace("{data_scientist: R, data_ops: R, resources_admin: A}", "{data_scientist: R}")
    assert "task 'capitalization' has 0 accountable roles. Give exactly one" in refused(
        path, text, reading(Raci)
    )
    shipped = (CONFIG / "kpis.yaml").read_text(encoding="utf-8")
    wrong = refused(path, shipped.replace("target: 0.8", "target: 80"), reading(Kpis))
    assert "the target 80 of 'first_time_pass_rate' is no share. Write a share from 0 to 1." in wrong
    wrong = refused(path, shipped.replace("id: in_policy", "id: In policy"), reading(Kpis))
    assert "'id' is 'In policy'" in wrong
    shipped = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
    wrong = refused(path, shipped.replace("limit: 0.9", "limit: 90"), read_ethics)
    assert "'limit' is '90', which is out of range. Use a number of at most 1." in wrong


def test_a_file_that_is_not_there_too_large_or_no_text_is_refused(tmp_path: Path, roles: Roles) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_policy(tmp_path / "none.yaml", roles)
    with pytest.raises(BadInput, match="cannot be read"):
        read_text(tmp_path, "folder")
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"a: b\nc: \xff\n")
    with pytest.raises(BadFile) as refusal:
        read_policy(path, roles)
    assert str(refusal.value) == f"{path}:2: this is not UTF-8 text. Save the file as UTF-8."
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(BadFile, match="larger than 1,000,000 bytes"):
        read_policy(path, roles)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 200_000, "f.yaml:1: nested more than 20 deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "f.yaml:2: alias \\*a is not allowed"),
        ("a: b\nc: \x00\n", "f.yaml:2: this is not readable as YAML: control characters are not allowed"),
        ("a: \ud800\n", "f.yaml:1: this is not readable as YAML: surrogates not allowed"),
    ],
    ids=["deep", "aliases", "control", "surrogate"],
)
def test_texts_made_to_harm_are_refused(text: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        parse_lines(text, "f.yaml").refuse()


def test_scalars_are_read_as_yaml_1_2_does() -> None:
    text = "a: no\nb: 2026-01-01\nc: 010\nd: 1.5\ne: ~\nf: 'true'\ng: true\nh: 1_000\ni: 12:30\nj: .inf\n"
    document = parse_lines(text, "f.yaml")
    assert document.value == {
        "a": "no", "b": "2026-01-01", "c": 10, "d": 1.5, "e": None,
        "f": "true", "g": True, "h": "1_000", "i": "12:30", "j": ".inf",
    }  # fmt: skip
    assert document.line(("d",)) == 4
    assert document.line(("d", "unknown", 3)) == 4
