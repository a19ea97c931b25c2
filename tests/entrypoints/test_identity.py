"""Who asks over HTTP: tokens of a provider, tokens of services, and the owner of the store's files."""

from __future__ import annotations

import base64
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from core.connectors.provider import Provider
from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import BadInput, Conflict, Forbidden, Unknown
from core.lake.query import fetch
from core.lake.store import DATABASE, open_store
from core.services.governance import Governance
from core.services.record.entries import verify_record
from core.services.record.identity import (
    Door,
    IssueToken,
    RevokeToken,
    by_owner,
    by_token,
    found_own,
    issue_token,
    log_out,
    revoke_token,
    tokens,
)
from core.services.record.people import AddPerson, add_person
from tests.conftest import ADMIN, BUILDER, CONFIG, VALIDATOR, founded, later, register, shipped, with_groups
from tests.entrypoints.conftest import TOKEN, Govern, serving
from tests.process import agree

AUDIENCE = "portal"


@dataclass
class Issuer:
    """A provider whose keys the tests hold: what it describes itself as, and how often it was asked."""

    address: str = ""
    keys: list[RSAKey] = field(default_factory=lambda: [RSAKey.generate_key(2048, {"kid": "first"})])
    asked: int = 0

    def answers(self, path: str) -> Any:
        """Discovery, and the public halves of the keys."""
        self.asked += path == "/jwks"
        if path == "/jwks":
            return KeySet(list(self.keys)).as_dict(private=False)
        return {"issuer": self.address, "jwks_uri": f"{self.address}/jwks"}

    def token(self, *, key: Any = None, alg: str = "RS256", kid: str = "first", **changed: Any) -> str:
        """A token for Vera, with other claims where said; None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.address, "sub": "vera-validator", "aud": AUDIENCE, "iat": now, "exp": now + 600}
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": kid}, kept, key or self.keys[0], algorithms=[alg])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A provider that answers on this machine."""
    found = Issuer()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = json.dumps(found.answers(self.path)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        found.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@contextmanager
def asking(
    governance: Governance, provider: Provider | None = None
) -> Iterator[Callable[..., httpx.Response]]:
    """Ask a running server with a token: `ask(token, operation, **given)`."""
    with (
        serving(governance, Door(governance, TOKEN, provider)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", trust_env=False, timeout=60) as client,
    ):

        def ask(
            token: str, operation: str = "list_people", /, actor: str = "", **given: Any
        ) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "X-Governance-Actor": actor}
            return client.post(f"/operations/{operation}", json=given, headers=headers)

        yield ask


@pytest.fixture
def grouped(tmp_path: Path) -> Iterator[Governance]:
    """The store with a role that a group of the provider gives."""
    config = with_groups(tmp_path, risk_audit="validation")
    with closing(founded(tmp_path / "grouped", config=config)) as governance:
        yield governance


@pytest.fixture
def ask(grouped: Governance, issuer: Issuer) -> Iterator[Callable[..., httpx.Response]]:
    """Ask a server that knows the issuer."""
    with asking(grouped, Provider(issuer.address, AUDIENCE)) as found:
        yield found


def newest(governance: Governance, most: int = 1) -> list[tuple[str, str, str]]:
    """Action, actor and credential of the newest entries."""
    query = "SELECT action, actor, credential FROM record ORDER BY seq DESC LIMIT $most"
    return [
        (row["action"], row["actor"], row["credential"])
        for row in fetch(_cursor(governance), query, {"most": most})
    ]


def _cursor(governance: Governance) -> Any:
    return governance.store.cursor()


def test_a_token_of_the_provider_says_who_somebody_is(
    ask: Callable[..., httpx.Response], grouped: Governance, issuer: Issuer
) -> None:
    initiative = register(grouped)
    said = issuer.token(groups=["validation"])
    words = {"initiative": initiative, "text": "Seen by her."}
    assert ask(said, "write_comment", **words).status_code == 200
    assert newest(grouped) == [("comment_written", VALIDATOR.id, "bearer token of the provider")]
    assert ask(said, "write_comment", actor=BUILDER.id, **words).status_code == 403, "a token is somebody"
    assert verify_record(grouped).first_break is None


def unsigned(issuer: Issuer, alg: str) -> str:
    _, body, _ = issuer.token(groups=["validation"]).split(".")
    return f"{plain(json.dumps({'alg': alg, 'kid': 'first'}).encode())}.{body}."


def plain(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def signed_with_the_public_key(issuer: Issuer) -> str:
    """As if what everybody may read were a secret that both sides know."""
    said = unsigned(issuer, "HS256").rstrip(".")
    return f"{said}.{plain(hmac.digest(issuer.keys[0].as_pem(private=False), said.encode(), 'sha256'))}"


REFUSED: dict[str, Callable[[Issuer], str]] = {
    "forged": lambda by: by.token(key=RSAKey.generate_key(2048, {"kid": "first"})),
    "changed": lambda by: by.token().replace(".", ".e30", 1),
    "expired": lambda by: by.token(exp=int(time.time()) - 60),
    "without expiry": lambda by: by.token(exp=None),
    "without a subject": lambda by: by.token(sub=None),
    "without its time": lambda by: by.token(iat=None),
    "not yet valid": lambda by: by.token(nbf=int(time.time()) + 600),
    "for somebody else": lambda by: by.token(aud="payroll"),
    "for nobody": lambda by: by.token(aud=None),
    "of a foreign issuer": lambda by: by.token(iss="https://login.example.com"),
    "of nobody": lambda by: by.token(iss=None),
    "alg none": lambda by: unsigned(by, "none"),
    "alg None": lambda by: unsigned(by, "None"),
    "signed with the public key": signed_with_the_public_key,
    "of an unknown key": lambda by: by.token(kid="second"),
    "no token": lambda by: "a.b.c",
    "too long": lambda by: "a" * 20_000,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_token_of_the_provider_for_us_opens_nothing(
    ask: Callable[..., httpx.Response], grouped: Governance, issuer: Issuer, kind: str
) -> None:
    head = grouped.store.head()
    refused = ask(REFUSED[kind](issuer))
    assert refused.status_code == 401, refused.text
    assert set(refused.json()["error"]) == {"what", "where", "remedy"}
    assert refused.headers["www-authenticate"] == "Bearer"
    assert grouped.store.head() == head


def test_cookies_say_nothing_over_http(grouped: Governance, issuer: Issuer) -> None:
    with serving(grouped, Door(grouped, TOKEN, Provider(issuer.address, AUDIENCE))) as port:
        cookies = {"_streamlit_user": issuer.token(), "Authorization": f"Bearer {TOKEN}"}
        asked = httpx.post(
            f"http://127.0.0.1:{port}/api/operations/list_people", json={}, cookies=cookies, trust_env=False
        )
    assert asked.status_code == 401


def test_who_logged_out_has_to_get_a_new_token(
    ask: Callable[..., httpx.Response], grouped: Governance, issuer: Issuer
) -> None:
    old = issuer.token(groups=["validation"], iat=int(time.time()) - 20)
    other = issuer.token(groups=["validation"], iat=int(time.time()) - 10)
    assert ask(old).status_code == 200
    log_out(grouped, VALIDATOR, datetime.fromtimestamp(0, UTC), datetime.now(UTC))
    for said in (old, other):
        assert ask(said).status_code == 401
    assert "logged out" in ask(old).json()["error"]["what"]
    assert ask(issuer.token(groups=["validation"], iat=int(time.time()) + 5)).status_code == 200


def test_roles_of_groups_are_given_and_taken_by_the_provider_alone(
    ask: Callable[..., httpx.Response], grouped: Governance, issuer: Issuer
) -> None:
    """Somebody new comes with a group; without one they are unknown; leaving a group ends its role."""
    now = int(time.time())
    nobody = ask(issuer.token(sub="nina-new"))
    assert (nobody.status_code, "nobody here is called so" in nobody.text) == (403, True)
    comes = {"sub": "Nina.New", "name": "Nina New"}
    assert ask(issuer.token(**comes, groups=["validation", "cooks"], iat=now - 9)).status_code == 200
    assert grouped.person("nina.new").roles == ("risk_audit",)
    assert newest(grouped, 2) == [
        ("membership_recorded", "identity:provider", "login"),
        ("login_known", "identity:provider", "login"),
    ]
    head = grouped.store.head()
    ask(issuer.token(**comes, groups=["validation"], iat=now - 8))
    assert grouped.store.head() == head, "the same again is no news"
    ask(issuer.token(**comes, groups=[], iat=now - 5))
    assert grouped.person("nina.new").roles == ()
    ask(issuer.token(**comes, groups=["validation"], iat=now - 6))
    assert grouped.person("nina.new").roles == (), "an older token gives nothing back"
    assert verify_record(grouped).first_break is None


def test_an_id_is_one_login(ask: Callable[..., httpx.Response], grouped: Governance, issuer: Issuer) -> None:
    assert ask(issuer.token(sub="vera validator", groups=["validation"])).status_code == 200
    taken = ask(issuer.token(sub="vera-validator", groups=["validation"]))
    assert (taken.status_code, "belongs to another login" in taken.text) == (403, True)
    assert ask(issuer.token(sub="pipeline", groups=["validation"])).status_code == 403


def test_an_address_counts_only_where_the_provider_has_verified_it(
    grouped: Governance, issuer: Issuer
) -> None:
    provider = Provider(issuer.address, AUDIENCE, person_claim="email", groups_claim="realm.roles")
    says = {"sub": "1", "email": "Ada@Example.org", "realm": {"roles": ["validation"]}}
    with asking(grouped, provider) as ask:
        assert ask(issuer.token(**says)).status_code == 403
        assert ask(issuer.token(**says, email_verified="true")).status_code == 403
        assert ask(issuer.token(**says, email_verified=True)).status_code == 200
    assert grouped.person("ada-example.org").roles == ("risk_audit",)


def test_keys_are_fetched_again_for_an_unknown_one_and_not_at_everybodys_call(
    grouped: Governance, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(issuer.address, AUDIENCE)
    with asking(grouped, provider) as ask:
        assert ask(issuer.token(groups=["validation"])).status_code == 200
        issuer.keys.append(RSAKey.generate_key(2048, {"kid": "second"}))
        turned = {"key": issuer.keys[1], "kid": "second", "groups": ["validation"]}
        for _ in range(5):
            assert ask(issuer.token(**turned)).status_code == 401
        assert issuer.asked == 1, "not again within a minute"
        monkeypatch.setattr("core.connectors.provider.REFETCH_SECONDS", 0.0)
        assert ask(issuer.token(**turned)).status_code == 200
        assert issuer.asked == 2


def test_a_provider_that_is_silent_or_another_lets_nobody_in(grouped: Governance, issuer: Issuer) -> None:
    for wrong in ("http://127.0.0.1:9", issuer.address + "/other"):
        with pytest.raises(Unknown, match="does not answer"):
            Provider(wrong, AUDIENCE).verified(issuer.token(), datetime.now(UTC))


def issued(governance: Governance, day: float = 1, actor: Actor = ADMIN, **given: Any) -> str:
    command = {"token": "ci", "operations": ("run_checks", "decide_gate"), **given}
    return issue_token(governance, make(IssueToken, actor=actor, at=later(day), **command))


def test_a_service_does_what_its_token_is_for_and_nothing_else(governance: Governance) -> None:
    mine, other = register(governance), register(governance, "Loan Prices")
    now = (datetime.now(UTC) - later(0)).days
    secret = issued(governance, now, initiatives=(mine,), days=30)
    gate = {"gate": "scoping"}
    with asking(governance) as ask:
        assert ask(secret, "decide_gate", initiative=mine, **gate).status_code == 200
        assert [one[1:] for one in newest(governance)] == [("token:ci", "token ci")]
        for operation, given, words in (
            ("decide_gate", {"initiative": other, **gate}, "for the initiatives card-limit-advice alone"),
            ("ask_gate", {"initiative": mine, **gate}, "for the operations run_checks, decide_gate alone"),
            ("list_people", {}, "for the operations"),
            ("issue_token", {"token": "more", "own": True}, "may not issue a token"),
        ):
            refused = ask(secret, operation, **given)
            assert (refused.status_code, words in refused.text) == (403, True), refused.text
        assert ask(secret, "decide_gate", actor=ADMIN.id, initiative=mine, **gate).status_code == 403
        assert ask(secret[:-1], "decide_gate", initiative=mine, **gate).status_code == 401
        revoke = make(RevokeToken, actor=ADMIN, at=later(now), token="ci", note="It lay in a log.")
        revoke_token(governance, revoke)
        refused = ask(secret, "decide_gate", initiative=mine, **gate)
        assert (refused.status_code, "was revoked" in refused.text) == (401, True)
    assert verify_record(governance).first_break is None


def test_a_token_expires_and_only_its_digest_is_kept(governance: Governance) -> None:
    secret = issued(governance, days=30)
    assert by_token(governance, secret, later(30.9)).id == "token:ci"
    with pytest.raises(Unknown, match="has expired"):
        by_token(governance, secret, later(31))
    assert [one.state for one in tokens(governance, governance.moment(later(30)))] == ["issued"]
    assert [one.state for one in tokens(governance, governance.present(later(31)))] == ["expired"]
    _, _, inner = secret.split("_", 2)
    for table in governance.store.columns:
        assert inner not in str(fetch(_cursor(governance), f"SELECT * FROM {table}", {}))
    assert inner not in repr(tokens(governance, governance.present(later(31))))


def test_nobody_issues_a_token_in_the_name_of_others(governance: Governance) -> None:
    with pytest.raises(Forbidden, match="may not change the directory"):
        issued(governance, actor=BUILDER)
    own = issued(governance, actor=BUILDER, token="bram", own=True)
    actor = by_token(governance, own, later(2))
    assert (actor.id, actor.roles, actor.credential) == (BUILDER.id, BUILDER.roles, "token bram")
    with pytest.raises(Forbidden, match="limited issues no other"):
        issued(governance, actor=actor, token="more", own=True)
    with pytest.raises(BadInput, match="names what it is for"):
        issued(governance, token="all", operations=())
    with pytest.raises(BadInput, match="'sign_everything' is no operation"):
        issued(governance, token="all", operations=("sign_everything",))
    with pytest.raises(BadInput, match="no initiative"):
        issued(governance, token="all", initiatives=("nowhere",))
    with pytest.raises(Forbidden, match="may not change the directory"):
        issued(governance)
        revoke_token(governance, make(RevokeToken, actor=BUILDER, at=later(2), token="ci"))
    with pytest.raises(Conflict, match="there already"):
        issued(governance)


def test_the_command_line_issues_lists_and_revokes(store: Path, govern: Govern, moderate: str) -> None:
    said = govern(
        "token", "issue", "ci", "--operation", "decide_gate", "--initiative", moderate, "--days", "7"
    )
    assert said.code == 0, said.err
    secret = said.out.splitlines()[-1]
    assert secret.startswith("gp_ci_")
    listed = govern("token", "list")
    assert "ci" in listed.out
    assert "decide_gate" in listed.out
    assert (
        secret[6:] not in listed.out + govern("token", "list", "--json").out + govern("record", "--json").out
    )
    os.environ["GOVERNANCE_TOKEN"] = secret
    try:
        assert govern("decide", moderate, "--gate", "development").code in (0, 1)
        assert "for the operations decide_gate alone" in govern("list").err
        assert "nobody else's" in govern("list", "--as", "vera-validator").err
    finally:
        del os.environ["GOVERNANCE_TOKEN"]
    newest_entry = govern("record", "--most", "2", "--json").json["entries"][1]
    assert (newest_entry["actor"], newest_entry["credential"]) == ("token:ci", "token ci")
    assert govern("token", "revoke", "ci").out == "Token ci counts no more.\n"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Governance, str]]:
    """A store of one's own on disk, founded by Nadia with Rita, who reviews; and Rita's token."""
    with closing(replace(shipped(), store=open_store(tmp_path / "store"))) as governance:
        made = found_own(governance, CONFIG, "nadia", {"rita": ("risk_audit",)}, later(0))
        yield governance, made["rita"]


def test_a_store_of_ones_own_names_who_reviews_when_it_is_founded(own: tuple[Governance, str]) -> None:
    """Way around 3: makes a person and acts as them. Nobody acts as somebody else, whatever they may read."""
    governance, token = own
    nadia = by_owner(governance, "")
    assert (nadia.id, nadia.roles, nadia.credential) == (
        "nadia",
        ("administrator",),
        "owner of the store's files",
    )
    for somebody in ("rita", "mallory", "pipeline"):
        with pytest.raises(Forbidden, match="acts as nobody else"):
            by_owner(governance, somebody)
    rita = by_token(governance, token, later(1))
    assert (rita.id, rita.roles) == ("rita", ("risk_audit",))
    add = {"actor": nadia, "at": later(1), "person": "eve", "name": "Eve New", "roles": ("head_of_risk",)}
    added = add_person(governance, make(AddPerson, **add))
    assert governance.person("eve").roles == ()
    with pytest.raises(Forbidden):
        agree(governance, added.proposal, 2, actor=nadia)
    agree(governance, added.proposal, 2, actor=rita)
    assert governance.person("eve").roles == ("head_of_risk",)
    with pytest.raises(Forbidden, match="acts as nobody else"):
        by_owner(governance, "eve")
    assert verify_record(governance).first_break is None


def test_alone_in_a_store_nobody_gives_a_role_that_signs(tmp_path: Path) -> None:
    with closing(replace(shipped(), store=open_store(tmp_path / "alone"))) as governance:
        found_own(governance, CONFIG, "nadia", {}, later(0))
        for person in ("nadia", "eve"):
            add = {"person": person, "name": "Eve New", "roles": ("administrator", "risk_audit")}
            with pytest.raises(Forbidden, match="given by two people, and nobody else here could agree"):
                add_person(governance, make(AddPerson, actor=by_owner(governance, ""), at=later(1), **add))
        assert "eve" not in [one.id for one in governance.people()]


def test_another_account_of_the_machine_is_not_the_owner(own: tuple[Governance, str]) -> None:
    governance, token = own
    os.chown(governance.store.folder / DATABASE, 54321, -1)
    for named in ("", "nadia"):
        with pytest.raises(Forbidden, match="belong to another account"):
            by_owner(governance, named)
    assert by_token(governance, token, later(1)).id == "rita"


def test_over_http_the_owner_of_the_files_is_the_founder(own: tuple[Governance, str]) -> None:
    governance, _ = own
    with asking(governance) as ask:
        assert ask(TOKEN, "add_person", person="eve", name="Eve New").status_code == 200
        assert newest(governance) == [("membership_recorded", "nadia", "owner of the store's files")]
        for somebody in ("eve", "rita", "pipeline"):
            refused = ask(TOKEN, actor=somebody)
            assert (refused.status_code, "acts as nobody else" in refused.text) == (403, True)


def test_all_files_of_a_store_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        folder = tmp_path / "store"
        founded(folder, open_store).close()
        (folder / "incoming").mkdir(mode=0o755)
        (folder / "incoming").chmod(0o755)
        (folder / DATABASE).chmod(0o644)
        open_store(folder).close()
        (folder / "evidence").mkdir(exist_ok=True)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        assert all(not mode & 0o077 for mode in modes.values()), modes
    finally:
        os.umask(old)


def test_a_store_of_before_opens_verifies_and_goes_on(tmp_path: Path) -> None:
    founded(tmp_path / "store", open_store).close()
    with duckdb.connect(str(tmp_path / "store" / DATABASE)) as old:
        old.execute("ALTER TABLE record DROP COLUMN credential")
        old.execute("DROP TABLE login; DROP TABLE logout; DROP TABLE token")
        old.execute("DELETE FROM migration WHERE name LIKE '%_identity.sql'")
    with closing(replace(shipped(), store=open_store(tmp_path / "store"))) as governance:
        assert verify_record(governance).first_break is None
        issued(governance, actor=ADMIN.model_copy(update={"credential": "login"}))
        assert newest(governance) == [("token_issued", ADMIN.id, "login")]
        assert verify_record(governance).first_break is None


@pytest.mark.parametrize("credential", ["", "login", "token ci"])
def test_a_credential_put_there_afterwards_is_found(governance: Governance, credential: str) -> None:
    """By which credential somebody acted is under the chain, as who acted is."""
    actor = ADMIN.model_copy(update={"credential": "token of before"})
    issued(governance, actor=actor)
    assert verify_record(governance).first_break is None
    head = governance.store.head()
    _cursor(governance).execute("UPDATE record SET credential = ? WHERE seq = ?", [credential, head])
    broken = verify_record(governance).first_break
    assert broken is not None
    assert broken.seq == head
