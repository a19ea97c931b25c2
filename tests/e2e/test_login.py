"""Logging in through a real OpenID Connect server, coming back to the page it was for, staying out after."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.lake.store import save_store
from tests.conftest import founded, register, with_groups
from tests.e2e.served import free_port, served

NAME = "Card Limit Advice"
DEEP = "initiative?id=card-limit-advice&tab=Sign-offs"
CONTACT = "the model risk desk"
PEOPLE = (
    {"sub": "vera-validator", "name": "Vera Validator", "groups": ["validation"]},
    {"sub": "stu-stranger", "name": "Stu Stranger", "groups": ["cooks"]},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The issuer of a running `oidc-provider-mock`."""
    port = free_port()
    people = [part for one in PEOPLE for part in ("--user-claims", json.dumps(one))]
    program = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/openid-configuration", timeout=2)
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="module")
def address(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh server on a store of one's own, with a login."""
    folder = tmp_path_factory.mktemp("login")
    config = with_groups(folder, risk_audit="validation")
    governance = founded(folder / "store", config=config)
    register(governance, NAME)
    save_store(governance.store)
    governance.close()
    settings = {
        "config": str(config),
        "issuer": provider,
        "client_id": "portal",
        "client_secret": "a-secret-of-the-tests",
        "contact": CONTACT,
    }
    with served(folder / "store", settings=settings) as found:
        yield found


def come(context: BrowserContext, address: str, path: str) -> Page:
    """Open a page by deep link and wait until something stands there."""
    page = context.new_page()
    page.goto(f"{address}/{path}", wait_until="domcontentloaded")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
    return page


def log_in(page: Page, person: str, button: str = "Log in") -> dict[str, list[str]]:
    """Press the button and be that person at the provider; what the provider was asked for."""
    page.get_by_role("button", name=button, exact=True).click()
    choose = page.get_by_role("button", name=person, exact=True).first
    expect(choose).to_be_visible(timeout=60_000)
    asked = parse_qs(urlsplit(page.url).query)
    choose.click()
    return asked


def sits(page: Page) -> None:
    """Vera sits there, and sees the initiative that she came for."""
    expect(page.get_by_role("heading", name=NAME)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("You are Vera Validator.")).to_be_visible()


def identity_token(context: BrowserContext) -> str:
    """The provider's token as it lies, signed, in the browser's cookie."""
    held = {one["name"]: one["value"] for one in context.cookies()}
    _, said = URLSafeTimedSerializer("", salt="_streamlit_user_tokens").loads_unsafe(
        held["_streamlit_user_tokens"].strip('"')
    )
    return str(json.loads(said)["id_token"])


def asks(address: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{address}/api/operations/list_people", json={}, headers=headers, trust_env=False)


def test_a_login_leads_to_the_page_it_was_for_and_ends_everywhere(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    first = browser.new_context()
    page = come(first, address, DEEP)
    assert NAME not in page.content(), "nothing is shown before the login, on a fresh server too"
    expect(page.get_by_role("heading", name="Governance portal")).to_be_visible()
    expect(page.get_by_text(f"No access? Ask {CONTACT}.")).to_be_visible()
    asked = log_in(page, "vera-validator")
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == (["S256"], 1), "PKCE"
    sits(page)
    assert page.url == f"{address}/{DEEP}"

    kept: Any = first.storage_state()
    token = identity_token(first)
    assert asks(address, token).status_code == 200
    second = browser.new_context(storage_state=kept)
    elsewhere = come(second, address, "record")
    expect(elsewhere.get_by_text("You are Vera Validator.")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="End session").click(timeout=60_000)
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible(timeout=60_000)
    elsewhere.get_by_role("link", name="Inventory").first.click()
    expect(elsewhere.get_by_text("You were logged out.")).to_be_visible(timeout=60_000)
    back = come(browser.new_context(storage_state=kept), address, DEEP)
    expect(back.get_by_text("You were logged out.")).to_be_visible(timeout=60_000)
    assert NAME not in back.content()
    refused = asks(address, token)
    assert (refused.status_code, "logged out" in refused.text) == (401, True)

    time.sleep(1.1)  # a login is told from the one before by the second in which it was issued
    log_in(back, "vera-validator", "Log in again")
    sits(back)
    assert back.url == f"{address}/{DEEP}"


def test_who_is_unknown_sees_nothing_but_whom_to_ask(browser: Browser, address: str) -> None:
    page = come(browser.new_context(), address, DEEP)
    log_in(page, "stu-stranger")
    told = page.get_by_text("You are logged in as Stu Stranger, but nobody here is called so")
    expect(told).to_be_visible(timeout=60_000)
    expect(page.get_by_text(f"Ask {CONTACT}. Say that your id is stu-stranger.")).to_be_visible()
    assert NAME not in page.content()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="End session").click(timeout=60_000)
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible(timeout=60_000)


def test_a_way_back_leads_to_no_foreign_page(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = come(context, address, "inventory")
    held = {"name": "gp_way_back", "path": "/oauth2callback", "domain": "127.0.0.1"}
    with page.expect_request(lambda request: "/oauth2/authorize" in request.url, timeout=60_000):
        page.get_by_role("button", name="Log in", exact=True).click()
    context.add_cookies([{**held, "value": "%2F%2Fexample.com%2Finitiative"}])  # type: ignore[typeddict-item]
    page.get_by_role("button", name="vera-validator", exact=True).first.click(timeout=60_000)
    expect(page.get_by_text("You are Vera Validator.")).to_be_visible(timeout=60_000)
    assert page.url == f"{address}/"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://{host}", 101),
        ("http://localhost:1", 403),
        ("http://127.0.0.1:8502", 403),
        ("https://example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_only_our_own_pages_open_the_socket(address: str, origin: str, status: int) -> None:
    """Way around 20: the page of another port of this machine opened it."""
    host = urlsplit(address).netloc
    said = f"Origin: {origin.format(host=host)}\r\n" if origin else ""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{said}\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=20) as asked:
        asked.sendall(lines.encode())
        assert asked.recv(64).split()[1] == str(status).encode()
