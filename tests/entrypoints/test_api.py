"""The API: who may call, what a refusal looks like, and that doubt blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.entrypoints import api
from core.lake.store import open_store
from core.services.governance import Governance
from core.services.use_cases import every_use_case
from tests.clients import CLIENTS, checked_first, register_at_once
from tests.conftest import VALIDATOR, founded, register, rules_of
from tests.entrypoints.conftest import SCHEDULED, TOKEN, serving


@pytest.fixture
def governance(tmp_path: Path) -> Iterator[Governance]:
    """A demo in memory, of which the owner of the files is whoever of the cast they say."""
    with closing(founded(tmp_path / "store", demo=True)) as opened:
        yield opened


@pytest.fixture
def client(governance: Governance) -> Iterator[httpx.Client]:
    """A caller with the owner's token, on a store in memory."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(governance) as port,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api", headers=headers, trust_env=False, timeout=60
        ) as opened,
    ):
        yield opened


def error(answer: Any) -> dict[str, str]:
    """The error of an answer, which always has the same three parts."""
    found: dict[str, str] = answer.json()["error"]
    assert set(found) == {"what", "where", "remedy"}
    return found


@pytest.mark.parametrize("header", ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xe9" * 9])
def test_without_the_token_nothing_is_answered(client: httpx.Client, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    for path in ("/initiatives", "/operations", "/openapi.json", "/nowhere", "/health/"):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert "token" in error(refused)["what"]
    assert client.get("/health", headers=headers).status_code == 200


def test_an_initiative_is_registered_listed_and_shown(client: httpx.Client) -> None:
    given = {
        "name": "Weekly stock report",
        "purpose": "Report the stock of all shops.",
        "team": "Shops",
        "answers": {question: [option] for question, option in SCHEDULED.items()},
    }
    as_owner = {"X-Governance-Actor": "olga-owner"}
    assert client.post("/initiatives", json=given).status_code == 403, "a pipeline registers nothing"
    made = client.post("/initiatives", json=given, headers=as_owner)
    assert made.status_code == 201
    assert made.json()["class_title"] == "Moderate"
    again = client.post("/initiatives", json=given, headers=as_owner)
    assert again.status_code == 409
    assert "Weekly stock report" in error(again)["what"] or "weekly-stock-report" in error(again)["what"]

    listed = client.get("/initiatives", params={"search": "stock", "classes": ["moderate"]}).json()
    assert [row["initiative"] for row in listed["initiatives"]] == ["weekly-stock-report"]
    shown = client.get("/initiatives/weekly-stock-report").json()
    assert shown["initiative"]["owner"] == "olga-owner"


def test_clients_that_register_at_once_are_all_on_record_with_their_first_checks(tmp_path: Path) -> None:
    each = 12  # the benchmark 'clients' lets each register a hundred
    governance = founded(tmp_path / "store", open_store, demo=True)
    assert register_at_once(governance, each) == {201: CLIENTS * each}
    assert checked_first(governance) == {4: CLIENTS * each}
    governance.close()


def test_a_decision_is_asked_and_recorded(client: httpx.Client, governance: Governance) -> None:
    initiative = register(governance)
    path = f"/initiatives/{initiative}/gates/deployment/decision"
    head = governance.store.head()
    asked = client.get(path)
    assert (asked.status_code, asked.json()["outcome"], asked.json()["recorded"]) == (200, "blocked", False)
    assert governance.store.head() == head
    decided = client.post(path)
    assert (decided.status_code, decided.json()["outcome"], decided.json()["recorded"]) == (
        200,
        "blocked",
        True,
    )
    assert all(finding["remedy"] for finding in decided.json()["findings"])
    assert governance.store.head() == head + 2, "the decision, and what it rested on"
    client.post(path)
    assert governance.store.head() == head + 2, "the same answer twice is recorded once"
    entry = client.post("/operations/read_record", json={"most": 2}).json()["entries"][1]
    assert (entry["action"], entry["actor"]) == ("gate_decided", "pipeline")


@pytest.mark.parametrize(
    "where", ["core.services.process.gates.ask_gate", "core.services.record.identity.acting_person"]
)
def test_any_doubt_blocks_and_says_nothing_of_the_inside(
    client: httpx.Client, governance: Governance, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    initiative = register(governance)

    def break_down(*_: object) -> None:
        raise RuntimeError("/a/secret/path")

    monkeypatch.setattr(where, break_down)
    for decided in (
        client.post(f"/initiatives/{initiative}/gates/deployment/decision"),
        client.post("/operations/decide_gate", json={"initiative": initiative, "gate": "deployment"}),
    ):
        assert decided.status_code == 500
        assert decided.json()["outcome"] == "blocked"
        assert "secret" not in decided.text
        error(decided)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/initiatives/nope", None, 404),
        ("GET", "/initiatives/nope/gates/deployment/decision", None, 404),
        ("POST", "/initiatives/nope/gates/deployment/decision", None, 404),
        ("GET", "/initiatives?odd=1", None, 422),
        ("GET", "/kpis?as_of=2999-01-01", None, 422),
        ("GET", "/standings?measure=nope", None, 422),
        ("GET", "/initiatives/nope/versions/1/slices", None, 422),
        ("GET", "/initiatives/nope/versions/1/slices?by=sex", None, 404),
        ("GET", "/initiatives/nope/versions/1/decay", None, 404),
        ("POST", "/initiatives", {"name": "x"}, 422),
        ("POST", "/operations/nope", {}, 404),
        ("POST", "/operations/decide_gate", {}, 422),
        ("POST", "/operations/decide_gate", {"initiative": "x", "gate": "y", "at": "2020-01-01"}, 422),
        ("POST", "/operations/decide_gate", ["x"], 422),
        ("POST", "/operations/decide_gate", {"initiative": "\ud800", "gate": "y"}, 422),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/initiatives", None, 405),
    ],
)
def test_a_refusal_says_what_where_and_how_to_mend_it(
    client: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    content = None if body is None else json.dumps(body)
    refused = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert refused.status_code == status
    assert error(refused)["what"]
    if "decision" in path or path.endswith("decide_gate"):
        assert status == 422 or refused.json()["outcome"] == "blocked"


def test_an_actor_is_somebody_of_the_directory(client: httpx.Client, governance: Governance) -> None:
    initiative = register(governance)
    path = f"/initiatives/{initiative}/gates/deployment/decision"
    unknown = client.post(path, headers={"X-Governance-Actor": "mallory"})
    assert (unknown.status_code, unknown.json()["outcome"]) == (403, "blocked")
    outsider = client.post(path, headers={"X-Governance-Actor": "otto-outsider"})
    assert (outsider.status_code, outsider.json()["outcome"]) == (403, "blocked")
    assert client.post(path, headers={"X-Governance-Actor": "Vera Validator"}).status_code == 200


def test_a_body_that_is_too_long_is_not_read(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_BYTES", 1000)
    announced = client.post("/operations/list_initiatives", json={"search": "x" * 2000})
    assert announced.status_code == 413
    error(announced)
    pieces = (b"x" * 400 for _ in range(5))
    streamed = client.post("/operations/list_initiatives", content=pieces)
    assert streamed.status_code == 413


def test_figures_are_read(client: httpx.Client, governance: Governance) -> None:
    register(governance)
    kpis = client.get("/kpis").json()["kpis"]
    assert {kpi["id"] for kpi in kpis} == {kpi.id for kpi in rules_of(governance).kpis.kpis}
    assert client.get("/standings", params={"measure": "deadlines_met_rate"}).status_code == 200
    assert client.get("/operations").json() == {
        "demo": True,
        "operations": sorted(case.name for case in every_use_case()),
    }
    assert client.get("/health", headers={"Authorization": ""}).json() == {"status": "ok"}


def test_a_day_over_http_is_a_day(client: httpx.Client, governance: Governance) -> None:
    headers = {"X-Governance-Actor": VALIDATOR.id}
    what = {"initiative": register(governance), "title": "No owner", "severity": "minor"}
    body = {**what, "step": "scoping", "due_on": "2999-01-01"}
    raised = client.post("/operations/raise_finding", json=body, headers=headers)
    assert (raised.status_code, raised.json().get("finding")) == (200, "F1"), raised.text


def test_no_page_loads_anything_from_outside(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
    described = client.get("/openapi.json").json()
    assert "/initiatives/{initiative}/gates/{gate}/decision" in described["paths"]


def test_no_operation_takes_a_time_or_an_actor_for_the_record() -> None:
    for case in every_use_case():
        fields = set(case.takes.model_fields)
        assert not fields & {"at", "now", "recorded_at"}, case.name
        assert "actor" not in fields or case.name == "read_record"
        if "as_of" in fields:
            assert not case.name.startswith(
                ("register", "submit", "run", "decide", "override", "add", "publish")
            )


def test_a_file_is_taken_from_the_incoming_folder_alone(client: httpx.Client, governance: Governance) -> None:
    secret = Path(governance.store.folder).parent / "secret.parquet"
    secret.write_bytes(b"PAR1")
    batch = {"initiative": "x", "version": "1", "part": "analysis", "task": "binary"}
    for name in ("../../secret.parquet", str(secret), "..", ""):
        refused = client.post("/operations/add_predictions", json={**batch, "incoming": name})
        assert refused.status_code == 422
    assert client.post("/operations/add_predictions", json={**batch, "incoming": "x"}).status_code == 404
