"""As of then: what reading operations answered while a history was made, they answer at its end of then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.lake.store import open_store
from core.services.governance import Governance, wire
from core.services.use_case import Call
from core.services.use_cases import every_use_case, run_use_case
from data.demo import build
from data.demo.build import DemoOptions, build_demo

NOW = datetime(2026, 9, 16, 15, 30, tzinfo=UTC)
CONFIG = PROJECT / "config"
INITIATIVES = ("Retail credit scoring", "Churn call list", "Postcode mailing sheet")
MOMENTS, LEAST_OPERATIONS = 12, 30
RENAMED = " II"
SCORING, CHURN = {"initiative": "retail-credit-scoring"}, {"initiative": "churn-call-list"}
ASKED: dict[str, tuple[dict[str, Any], ...]] = {
    "show_initiative": (SCORING, CHURN),
    "ask_gate": ({**SCORING, "gate": "deployment"},),
    "show_framework": ({"framework": "eu_ai_act"},),
    "clause_proofs": ({"framework": "gdpr", "clause": "object"},),
    "show_data_source": ({"source": "credit-bureau-feed"},),
    "read_perspectives": ({**SCORING, "gate": "preproduction"},),
    "compare_versions": ({**SCORING, "left": "1", "right": "2"},),
    "read_document_notes": ({**SCORING, "section": "limits"},),
    "team_standings": ({}, {"measure": "deadlines_met_rate"}, {"measure": "self_service_rate"}),
    "read_record": ({"most": 20}, {**SCORING, "most": 20}),
    "preview_policy": ({"draft": "P1"},),
    "compare_policy": ({"draft": "P1"},),
}
NOT_READ = {
    "export_audit_pack",
    "replay_decision",
    "bias_slices",
    "compare_slices",
    "score_curves",
    "weakest_slices",
}
"""What writes, what names an entry, and what counts files of predictions, which have tests of their own."""


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every reading operation that takes a day, with what it is asked."""
    for case in every_use_case():
        takes = case.takes.model_fields
        if case.command is None and "as_of" in takes and case.name not in NOT_READ:
            needed = {name for name, info in takes.items() if info.is_required()}
            for given in ASKED.get(case.name, ({**SCORING},) if "initiative" in needed else ({},)):
                yield case.name, given


def answers(governance: Governance, reader: Actor, now: datetime, as_of: str = "") -> dict[str, Any]:
    """What every question is answered; a refusal is an answer too."""
    found: dict[str, Any] = {}
    for name, given in questions():
        try:
            told: Any = run_use_case(Call(governance, reader, now), name, {**given, "as_of": as_of})
        except GovernanceError as problem:
            told = type(problem).__name__
        found[f"{name} {given}"] = told
    return found


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield from leaves(held, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for place, held in enumerate(value):
            yield from leaves(held, f"{path}/{place}")
    else:
        yield path, value.replace(RENAMED, "") if isinstance(value, str) else value


@dataclass
class Watch:
    """Looks at a history while it is made."""

    taken: list[tuple[datetime, int, dict[str, Any]]] = field(default_factory=list)

    def look(self, governance: Governance) -> None:
        """Take down what is answered now."""
        present = governance.present(datetime(2020, 1, 1, tzinfo=UTC))
        if present.seq > 40 and len(self.taken) < MOMENTS:
            reader = governance.person("robert-ainsley")
            self.taken.append((present.at, present.seq, answers(governance, reader, present.at)))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watch]:
    """A small demo and what was answered at twelve months of its history."""
    watch, simulate = Watch(), build.simulate

    def looking(governance: Governance, *rest: Any) -> None:
        *before, report = rest
        months = iter(range(1, 100))

        def told(share: float, sentence: str) -> None:
            if next(months) > 3:
                watch.look(governance)
            report(share, sentence)

        simulate(governance, *before, told)

    folder = tmp_path_factory.mktemp("as-of") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "simulate", looking)
        build_demo(folder, CONFIG, NOW, options=DemoOptions(only=INITIATIVES, workers=False))
    return folder, watch


def change_everything(governance: Governance, at: datetime) -> None:
    """Other roles and names, other files of the configuration, another policy, another ethical position."""
    cast = {role: person for person in governance.people() for role in person.roles}
    administrator, head, validator = (
        cast["administrator"],
        cast["head_of_risk"],
        governance.person("nadia-rahman"),
    )

    def do(actor: Actor, use_case: str, /, **given: Any) -> Any:
        return run_use_case(Call(governance, actor, at), use_case, given)

    def agree(result: dict[str, Any]) -> None:
        do(head, "agree_to_proposal", proposal=result["proposal"])

    for person in governance.people():
        about = {"person": person.id, "name": person.name + RENAMED, "title": person.title}
        roles = [role for role in person.roles if role != "business_analyst"] or ["data_ops"]
        do(administrator, "add_person", **about, team=person.team or "Claims", roles=roles)
    for file, old, new in (
        ("kpis.yaml", "target: 0.9\n", "target: 0.1\n"),
        ("leaderboard.yaml", "minimum: 10", "minimum: 2"),
        ("work.yaml", "due_soon_days: 7", "due_soon_days: 60"),
        ("training.yaml", "renew_days: ", "renew_days: 1"),
        ("raci.yaml", "title: ", "title: Renamed "),
        ("guides.yaml", "done_well: ", "done_well: Well. "),
        ("rights.yaml", "most_days: 30", "most_days: 20"),
        ("frameworks.yaml", "title: ", "title: Renamed "),
        ("data_quality.yaml", "fresh_days: ", "fresh_days: 1"),
        ("roles.yaml", "title: Business stakeholder", "title: Somebody of the business"),
    ):
        text = (CONFIG / file).read_text(encoding="utf-8")
        assert old in text, file
        agree(do(validator, "propose_configuration", name=file, text=text.replace(old, new)))
    policy = (CONFIG / "policy.yaml").read_text(encoding="utf-8")
    policy = policy.replace('version: "2.0"', 'version: "3.0"', 1).replace(
        "explainability: 2", "explainability: 3"
    )
    draft = do(validator, "draft_policy", text=policy.replace("expiring_days: 30", "expiring_days: 90"))[
        "draft"
    ]
    do(head, "review_policy", draft=draft, outcome="approved", note="Read it and its preview.")
    do(validator, "publish_policy", draft=draft)
    ethics = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
    agree(do(validator, "publish_ethics", text=ethics.replace('version: "1.1"', 'version: "9.0"', 1)))


def test_what_was_answered_then_is_answered_now_of_then(watched: tuple[Path, Watch]) -> None:
    folder, watch = watched
    governance = wire(open_store(folder), CONFIG)
    change_everything(governance, NOW + timedelta(hours=1))
    governance.store.memory.forget()
    assert len(watch.taken) == MOMENTS
    reader = governance.person("robert-ainsley")
    differing: dict[str, set[str]] = {}
    operations: set[str] = set()
    for at, seq, told in watch.taken:
        assert governance.moment(at).seq == seq
        again = answers(governance, reader, NOW + timedelta(hours=2), at.isoformat())
        for question, answer in told.items():
            operations |= {question.split()[0]} if isinstance(answer, dict) else set()
            was, now = dict(leaves(answer)), dict(leaves(again[question]))
            paths = {path for path in {*was, *now} if was.get(path) != now.get(path)}
            if paths:
                differing[f"{at:%Y-%m-%d} {question}"] = {
                    f"{path}: {was.get(path)} / {now.get(path)}" for path in sorted(paths)[:3]
                }
    governance.close()
    assert not differing, differing
    assert len(operations) >= LEAST_OPERATIONS
