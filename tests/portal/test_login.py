"""The door of the portal without a browser: nothing of the store is drawn for those who may not come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

from core.connectors.provider import Provider
from core.connectors.settings import PROJECT, read_settings
from core.services.governance import Governance
from core.services.record.identity import log_out
from portal.shell import house
from portal.shell.house import House
from portal.shell.serve import WayBack, login_secrets
from tests.conftest import VALIDATOR, founded, with_groups

ISSUER = "https://login.example.org"


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Governance]:
    """The store behind a login whose group gives validators their role."""
    grouped = founded(tmp_path / "store", config=with_groups(tmp_path, risk_audit="validation"))
    house._DOOR.house = House(grouped, None, Provider(ISSUER, "portal"), "the model risk desk")
    yield grouped
    house._DOOR.house = None
    grouped.close()


def claims(**changed: Any) -> dict[str, Any]:
    """What a login's cookie holds; None leaves a claim out."""
    now = datetime.now(UTC)
    issued, ends = int(now.timestamp()), int((now + timedelta(minutes=5)).timestamp())
    said = {"is_logged_in": True, "iss": ISSUER, "sub": VALIDATOR.id, "name": "Vera Validator"}
    said |= {"groups": ["validation"], "iat": issued, "exp": ends, **changed}
    return {name: value for name, value in said.items() if value is not None}


def opened(told: dict[str, Any]) -> AppTest:
    """The portal as a browser with this cookie sees it."""
    page = AppTest.from_file(str(PROJECT / "portal" / "shell" / "app.py"), default_timeout=60)
    page.user = told
    return page.run()


def texts(page: AppTest) -> str:
    """All that stands on it."""
    assert not page.exception, page.exception
    said = " ".join(str(one.value) for kind in (page.title, page.markdown, page.caption) for one in kind)
    return said.replace("\\", "")


@pytest.mark.parametrize(
    ("told", "words", "button"),
    [
        (dict, "Log in to see", "Log in"),
        (lambda: claims(is_logged_in=False), "Log in to see", "Log in"),
        (
            lambda: claims(exp=int(datetime.now(UTC).timestamp()) - 1),
            "Your login has expired",
            "Log in again",
        ),
        (lambda: claims(exp=None), "does not say from when to when", "Log in again"),
        (lambda: claims(iss="https://login.example.com"), "not one of this portal", "Log in again"),
        (lambda: claims(sub=None), "not one of this portal", "Log in again"),
        (lambda: claims(sub="stu", groups=["cooks"]), "nobody here is called so", "Log out"),
        (lambda: claims(sub="pipeline"), "no usable 'sub'", "Log out"),
    ],
)
def test_who_may_not_come_in_sees_why_one_button_and_whom_to_ask(
    doors: Governance, told: Callable[[], dict[str, Any]], words: str, button: str
) -> None:
    head = doors.store.head()
    page = opened(told())
    assert words in texts(page)
    assert "Ask the model risk desk." in texts(page)
    assert [one.label for one in page.button] == [button]
    assert not page.sidebar.children
    assert doors.store.head() == head


def test_a_login_ends_at_the_next_rerun(doors: Governance) -> None:
    told = claims()
    page = opened(told)
    assert "You are Vera Validator." in texts(page)
    log_out(doors, VALIDATOR, datetime.fromtimestamp(told["iat"], UTC), datetime.now(UTC))
    assert "You were logged out" in texts(page.run())
    assert "desk" not in page.session_state


def test_the_provider_is_asked_with_pkce_and_the_cookies_key_follows_from_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"issuer": ISSUER, "client_id": "portal", "public_address": "https://portal.example.org"}
    one = login_secrets(read_settings(**given, client_secret="a-secret-of-the-tests"))["auth"]
    other = login_secrets(read_settings(**given, client_secret="a-secret-of-the-others"))["auth"]
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert one["client_kwargs"]["code_challenge_method"] == "S256"
    assert one["redirect_uri"] == "https://portal.example.org/oauth2callback"
    assert len(one["cookie_secret"]) == 64 != other["cookie_secret"]
    assert login_secrets(read_settings()) == {}


def walked(*asked: tuple[str, str], secure: bool = True) -> list[httpx.Response]:
    """What is answered on the way to a login and back, the provider left out: (path, page it came from)."""

    def there(_: Any) -> Response:
        answer = Response()
        answer.set_cookie("state", "x", httponly=True)
        return answer

    def back(_: Any) -> Response:
        return RedirectResponse("/", 302)

    routes = [Route("/auth/login", there), Route("/oauth2callback", back)]
    app = WayBack(Starlette(routes=routes), pages=["overview", "initiative"], secure=secure)

    async def ask() -> list[httpx.Response]:
        there = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=there, base_url="https://portal") as client:
            return [await client.get(path, headers={"Referer": page} if page else {}) for path, page in asked]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("came_from", "led_to"),
    [
        ("https://portal/initiative?id=a%2Fb&tab=Sign-offs", "/initiative?id=a%2Fb&tab=Sign-offs"),
        ("https://portal/initiative", "/initiative"),
        ("https://portal/", "/"),
        ("https://elsewhere/initiative?id=x", "/"),
        ("https://portal/api/health", "/"),
        ("https://portal//elsewhere/initiative", "/"),
        ("https://portal/initiative?" + "x" * 3000, "/"),
        ("", "/"),
    ],
)
def test_a_login_comes_back_to_pages_of_ours_alone(came_from: str, led_to: str) -> None:
    _, first, again = walked(("/auth/login", came_from), ("/oauth2callback", ""), ("/oauth2callback", ""))
    assert first.headers["location"] == led_to
    assert again.headers["location"] == "/", "once"


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_keep_to_tls_where_we_are_served_by_it(secure: bool) -> None:
    (answer,) = walked(("/auth/login", ""), secure=secure)
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert ("; Secure" in cookie) == secure
        assert "httponly" in cookie.lower()
