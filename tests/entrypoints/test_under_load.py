"""What many ask at once, or one asks too much of: told truly, done once, and nobody else is held up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.connectors.settings import PROJECT
from core.lake.record.verify import Verification, verify_store
from core.lake.store import Store
from core.services.governance import Governance
from core.services.record import entries
from tests.conftest import ADMIN, BUILDER, OWNER, founded, register
from tests.entrypoints.conftest import TOKEN, serving

PROOF = {"measure": "purpose_and_personal_data", "title": "Intent", "link": "https://example.org/intent"}


@pytest.fixture
def governance(tmp_path: Path) -> Iterator[Governance]:
    """A demo in memory, of which the owner of the files is whoever of the cast they say."""
    with closing(founded(tmp_path / "store", demo=True)) as opened:
        yield opened


@pytest.fixture
def base(governance: Governance) -> Iterator[str]:
    with serving(governance) as port:
        yield f"http://127.0.0.1:{port}/api"


def caller(base: str, actor: str = ADMIN.id, seconds: float = 60) -> httpx.Client:
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Governance-Actor": actor}
    return httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=seconds)


def post(
    base: str, name: str, given: dict[str, Any], key: str = "", actor: str = BUILDER.id
) -> httpx.Response:
    with caller(base, actor) as client:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(f"/operations/{name}", json=given, headers=headers)


def recorded(governance: Governance, action: str) -> int:
    query = "SELECT count(*) FROM record WHERE action = ?"
    return int(governance.store.cursor().execute(query, [action]).fetchall()[0][0])


def test_the_same_key_and_body_give_the_same_answer_and_one_entry(base: str, governance: Governance) -> None:
    given = {"initiative": register(governance), "text": "Who has seen the new limits?"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(base, "write_comment", given, "key-1"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert recorded(governance, "comment_written") == 1
    assert post(base, "write_comment", given, "key-2").status_code == 200
    assert post(base, "write_comment", given).status_code == 200
    assert recorded(governance, "comment_written") == 3


def test_a_key_that_comes_with_something_else_is_refused(base: str, governance: Governance) -> None:
    given = {"initiative": register(governance), "text": "Who has seen the new limits?"}
    assert post(base, "write_comment", given, "key-1").status_code == 200
    for other, actor in (({**given, "text": "Something else."}, BUILDER.id), (given, OWNER.id)):
        refused = post(base, "write_comment", other, "key-1", actor)
        assert refused.status_code == 409
        assert "another request" in refused.json()["error"]["what"]
    assert recorded(governance, "comment_written") == 1


def test_what_was_refused_may_be_sent_again_and_a_lost_answer_is_said(
    base: str, governance: Governance
) -> None:
    initiative = register(governance)
    refused = post(base, "write_comment", {"initiative": initiative, "text": "Ask @nobody-there."}, "key-1")
    assert refused.status_code == 404
    given = {"initiative": initiative, "text": "Who has seen the new limits?"}
    assert post(base, "write_comment", given, "key-1").status_code == 200
    # As when the process was killed between the entry and its answer.
    governance.store.cursor().execute("UPDATE answered SET answer = NULL")
    lost = post(base, "write_comment", given, "key-1")
    assert lost.status_code == 409
    assert f"on record since entry {governance.store.head()}" in lost.json()["error"]["what"]
    assert recorded(governance, "comment_written") == 1


def test_the_same_evidence_sent_eight_times_is_one_entry(base: str, governance: Governance) -> None:
    proof = {"initiative": register(governance), **PROOF}
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: post(base, "submit_evidence", proof).status_code, range(8))
        assert Counter(answers) == {200: 8}
    assert recorded(governance, "evidence_submitted") == 1
    assert post(base, "submit_evidence", {**proof, "title": "Intent, signed"}).status_code == 200
    assert post(base, "submit_evidence", proof).status_code == 200, "it is not the newest any more"
    assert post(base, "submit_evidence", proof, actor=OWNER.id).status_code == 200
    assert recorded(governance, "evidence_submitted") == 4


def test_comments_written_at_once_all_get_a_number_of_their_own(base: str, governance: Governance) -> None:
    initiative = register(governance)

    def write(n: int) -> str:
        answer = post(base, "write_comment", {"initiative": initiative, "text": f"Remark {n}."})
        return str(answer.json()["comment"])

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(write, range(40)))
    assert sorted(names) == sorted(f"{initiative}/comment-{n}" for n in range(1, 41))


def test_sixty_verifications_are_one_and_others_are_answered_meanwhile(
    base: str, governance: Governance, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, going, may_end = [], threading.Event(), threading.Event()

    def slow(store: Store) -> Verification:
        runs.append(threading.get_ident())
        going.set()
        assert may_end.wait(60)
        return verify_store(store)

    monkeypatch.setattr(entries, "verify_store", slow)
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(post, base, "verify_record", {}) for _ in range(60)]
        assert going.wait(60)
        with caller(base, seconds=20) as other:  # while all of them wait
            for _ in range(5):
                assert other.get("/health").status_code == 200
                assert other.get("/initiatives").status_code == 200
        may_end.set()
        answers = [one.result(60) for one in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["first_break"] for answer in answers} == {None}
    assert len(runs) < 60, "who asks meanwhile gets the answer of the one that runs"
    assert len(set(runs)) <= 2


def test_a_large_array_is_refused_before_it_is_read(base: str, governance: Governance) -> None:
    array = b"[" + b"1," * (17 * 2**20) + b"1]"
    with caller(base) as client:
        for path in ("/operations/list_initiatives", "/operations/submit_evidence"):
            refused = client.post(path, content=array, headers={"Content-Type": "application/json"})
            assert refused.status_code == 413
            assert "values" in refused.json()["error"]["what"]
    file = {"file_name": "scan.pdf", "content_base64": "QUJD" * (5 * 2**20)}
    proof = {"initiative": register(governance), "measure": PROOF["measure"], "title": "Intent", **file}
    assert post(base, "submit_evidence", proof).status_code == 200, "a file of 15 MiB is one value"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (9 * 2**20),
        b'{"a":' * (2 * 2**20),
        ("[" + "1," * 2**20 + "1]").encode("utf-16"),
        b'{"answers": {' + b",".join(b'"q%d": []' % n for n in range(400_000)) + b"}}",
        b"[" + b"[]," * 2**20 + b"[]]",
    ],
    ids=["nested lists", "nested objects", "UTF-16", "an object", "empty lists"],
)
def test_what_holds_very_many_values_is_refused_however_it_is_written(base: str, body: bytes) -> None:
    with caller(base) as client:
        for kind in ("application/json", "text/plain", ""):
            headers = {"Content-Type": kind}
            refused = client.post("/operations/submit_evidence", content=body, headers=headers)
            assert refused.status_code == 413


def test_a_name_of_a_hundred_thousand_characters_is_refused(base: str, governance: Governance) -> None:
    name = "a" * 100_000
    batch = {"initiative": register(governance), "version": "1", "part": "analysis"}
    refused = post(base, "add_predictions", {**batch, "incoming": name})
    assert refused.status_code == 422
    proof = {
        **PROOF,
        "initiative": batch["initiative"],
        "link": "",
        "file_name": name,
        "content_base64": "QQ==",
    }
    assert post(base, "submit_evidence", proof).status_code == 422


RAISING = """
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
from portal.shell.serve import raise_open_files
raise_open_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
print("raised")
"""


def test_the_server_may_open_as_many_files_as_the_system_allows() -> None:
    said = subprocess.run(
        [sys.executable, "-c", RAISING], check=False, cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert said.stdout == "raised\n", said.stderr
