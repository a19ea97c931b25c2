"""What every reading operation answers on the demo: parameters per operation, and the answers as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.services.governance import Governance
from core.services.record.people import acting_person
from core.services.use_case import Call
from core.services.use_cases import every_use_case, run_use_case
from tests.demo_store import MOMENT

Asked = Mapping[str, Any]

SCORING = {"initiative": "retail-credit-scoring"}
CLAIMS = {"initiative": "claims-fraud-referral"}
CHURN = {"initiative": "churn-call-list"}
SHEET = {"initiative": "postcode-mailing-sheet"}
CENSUS = {"initiative": "employment-from-census-answers", "version": "2"}
SEGMENTS = {"initiative": "credit-card-segments"}
CARS = {"initiative": "residual-value-of-leased-cars"}
NOWHERE = {"initiative": "no-such-initiative"}
CLASSES = (SCORING, CLAIMS, CHURN, SHEET)
"""One initiative of each risk class."""
PAST = {"as_of": "2026-03-31"}
_STRICTER = ("  moderate:\n    reproducibility: 1\n", "  moderate:\n    reproducibility: 2\n")

LIST_ITEMS, TEXT_LINES = 10, 400
"""Longer ones are kept to this length and by the digest of the whole."""


def _stricter_policy() -> str:
    return (PROJECT / "config" / "policy.yaml").read_text(encoding="utf-8").replace(*_STRICTER)


ASKED: Mapping[str, tuple[Asked, ...]] = {
    "list_initiatives": (
        {},
        PAST,
        {"status": "overdue", "classes": ["high", "very_high"]},
        {"search": "claims", "teams": ["Fraud Prevention"]},
        {"status": "failing", "domains": ["credit"]},
    ),
    "show_initiative": (*CLASSES, {**SCORING, **PAST}, NOWHERE),
    "list_questions": ({},),
    "list_people": ({},),
    "list_deputies": ({},),
    "person_history": ({"person": "sophie-laurent"}, {"person": "nobody-known"}),
    "due_for_purge": ({}, {"as_of": "2027-06-30"}),
    "list_tokens": ({},),
    "list_proposals": ({}, {"open_only": True}),
    "ask_gate": (
        {**SCORING, "gate": "deployment"},
        {**CLAIMS, "gate": "preproduction"},
        {**CHURN, "gate": "monitoring"},
        {**CLAIMS, "gate": "deployment", **PAST},
        {**CHURN, "gate": "no-such-gate"},
    ),
    "governance_kpis": ({}, PAST),
    "governance_kpi": (
        {"kpi": "deadlines_met"},
        {"kpi": "overdue_requirements", "by": "class", **PAST},
        {"kpi": "profit"},
    ),
    "team_standings": ({}, {"measure": "deadlines_met_rate"}, PAST),
    "read_record": (
        {"most": 8},
        {**CHURN, "most": 8, "skip": 4},
        {"action": "policy_drafted"},
        {"actor": "nadia-rahman", "most": 5, **PAST},
    ),
    "verify_record": ({}, {"checkpoint": "no checkpoint"}),
    "replay_decision": ({"seq": 1}, {"seq": 5896}, {"seq": 7095}),
    "decay_report": (
        CLAIMS,
        {**CHURN, "version": "5b"},
        {**CLAIMS, "metric": "accuracy"},
        {**CENSUS, "by": ["sex"]},
        SEGMENTS,
        CARS,
        SHEET,
    ),
    "list_prediction_batches": (CLAIMS, CENSUS, {**CLAIMS, **PAST}, SHEET),
    "trade_off_report": (CENSUS,),
    "drift_report": (CLAIMS, CENSUS, {**CLAIMS, **PAST}, CARS),
    "bias_slices": (
        {**CENSUS, "by": ["sex", "race"]},
        {**CENSUS, "by": ["race"], "where": ["sex=Female", "age>=30"], "correction": "none"},
        {**CENSUS, "by": ["age"], "cuts": ["age=width:10"], "metric": "roc_auc"},
        {**CENSUS, "by": ["no_such_feature"]},
    ),
    "compare_slices": ({**CENSUS, "by": ["sex"], "other": "1"},),
    "weakest_slices": ({**CENSUS, "by": ["sex", "race", "disability"], "most": 5, "max_conditions": 2},),
    "score_curves": ({**CENSUS, "by": ["sex"]},),
    "list_tasks": ({}, {"person": "jonas-lindqvist"}, {"team": "Claims"}, {"team": "Claims", **PAST}),
    "list_hand_offs": ({}, SCORING, {"team": "Claims", "open_only": True}),
    "list_comments": (SCORING, CLAIMS),
    "list_notices": ({}, {"person": "peter-halloran"}, {"team": "Claims"}),
    "read_raci": ({}, {"days": 90, "team": "Claims"}),
    "list_trainings": ({}, {"team": "Claims", **PAST}),
    "read_perspectives": (
        {**SCORING, "gate": "preproduction"},
        {**CLAIMS, "gate": "development"},
    ),
    "list_versions": (SCORING, CHURN, {"initiative": CENSUS["initiative"]}),
    "version_history": ({}, SCORING, {**CLAIMS, **PAST}),
    "preview_reassessment": ({**SCORING, "answers": {}},),
    "compare_versions": (
        {"initiative": CENSUS["initiative"], "left": "1", "right": "2", "by": "sex"},
        {**CHURN, "left": "5", "right": "5b"},
        {**CLAIMS, "left": "1", "right": "2"},
    ),
    "show_sign_offs": (SCORING, CLAIMS, {**SCORING, **PAST}),
    "list_delegations": ({}, {"person": "yuki-sato"}),
    "list_findings": ({}, {"open_only": True}, CLAIMS, {"team": "Claims", **PAST}),
    "list_waivers": ({}, {"standing_only": True}, CLAIMS, {"team": "Claims", **PAST}),
    "list_policy_drafts": ({},),
    "compare_policy": ({"draft": "P1"}, {"text": _stricter_policy()}, {"draft": "P99"}),
    "preview_policy": ({"draft": "P1"}, {"draft": "P2"}),
    "read_lineage": ({}, {"source": "credit-bureau-feed"}, {"model": SCORING["initiative"], "past": True}),
    "show_data_source": ({"source": "credit-bureau-feed"}, {"source": "census-sample", **PAST}),
    "explanation_report": (
        CENSUS,
        {**CENSUS, "feature": "age", "by": "sex", "between": ["Female", "Male"]},
        CLAIMS,
    ),
    "evaluation_report": (CHURN,),
    "compare_evaluations": ({**CHURN, "first": "5", "second": "5b"},),
    "compare_judges": (CHURN,),
    "business_kpis": ({}, CHURN, SCORING, {**SCORING, **PAST}),
    "write_document": (
        {**SCORING, "form": "md"},
        {**CHURN, "kind": "technical", "form": "md"},
        {**SHEET, "form": "html"},
        {"initiative": CENSUS["initiative"], "kind": "technical", "form": "html"},
    ),
    "read_document_notes": ({**SCORING, "section": "limits"},),
    "list_frameworks": ({}, PAST),
    "show_framework": ({"framework": "eu_ai_act"}, {"framework": "nist_ai_rmf", **PAST}),
    "clause_proofs": (
        {"framework": "gdpr", "clause": "object"},
        {"framework": "eu_ai_act", "clause": "data", **CLAIMS},
    ),
    "initiative_frameworks": (SCORING, CHURN),
    "rights_overview": ({}, PAST),
    "rights_checklist": (SCORING, CHURN),
    "grade_evidence": (*CLASSES,),
    "show_ethics": ({}, SCORING),
    "list_configuration": ({}, PAST),
}
"""Operation -> what it is asked; each reading operation has a line."""

_READING_WITHOUT_DAY = {"list_questions", "list_people", "verify_record"}
_WRITING_WITH_DAY = {"export_audit_pack"}


def reading() -> set[str]:
    """The operations that record nothing: they read as of a day, or are named here."""
    dated = {one.name for one in every_use_case() if "as_of" in one.takes.model_fields}
    return (dated | _READING_WITHOUT_DAY) - _WRITING_WITH_DAY


def answers(governance: Governance) -> dict[str, str]:
    """The answers to all that is asked in the name of a build pipeline, a file an operation."""
    actor = acting_person(governance, "")
    return {
        f"{name}.json": _written([_answer(governance, actor, name, asked) for asked in lines])
        for name, lines in ASKED.items()
    }


def _answer(governance: Governance, actor: Actor, name: str, asked: Asked) -> dict[str, Any]:
    try:
        found = {"answer": run_use_case(Call(governance, actor, MOMENT), name, asked)}
    except GovernanceError as problem:
        found = {"refused": str(problem)}
    return {"asked": asked, **found}


def _written(answered: list[dict[str, Any]]) -> str:
    return json.dumps(_kept(answered), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _kept(value: Any) -> Any:
    """The value with rounded numbers, and what is long cut."""
    match value:
        case float():
            return float(f"{value:.9g}")
        case dict():
            return {key: _kept(_without_noise(key, item)) for key, item in value.items()}
        case list() | tuple():
            return _cut([_kept(item) for item in value], LIST_ITEMS)
        case str() if "\n" in value:
            return _cut(value.splitlines(), TEXT_LINES)
    return value


def _without_noise(key: str, item: Any) -> Any:
    """What sums miss by is rounding alone below 1e-9, and depends on the order in which threads add."""
    return 0.0 if key == "additivity_gap" and item is not None and abs(item) < 1e-9 else item


def _cut(items: list[Any], most: int) -> list[Any]:
    if len(items) <= most:
        return items
    text = json.dumps(items, sort_keys=True, ensure_ascii=False)
    return [*items[:most], f"and {len(items) - most} more; all: {hashlib.sha256(text.encode()).hexdigest()}"]
