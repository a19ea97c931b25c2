"""While the demo is being built, its address says how far it is; then it is the portal's."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

from core.entrypoints.serving import PROGRESS, waiting_room
from tests.entrypoints.test_serving import free_port

NOT_YET = 503


def asked(port: int, path: str, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str, str]:
    """Status, kind and content of an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request(method, path, body=b"{}" if method == "POST" else None)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read().decode()


@pytest.mark.parametrize("path", ["/", "/initiative?id=car-loan-repayment&tab=Sign-offs"])
def test_whoever_opens_a_page_is_shown_the_waiting_page(path: str) -> None:
    port = int(free_port())
    with waiting_room("127.0.0.1", port):
        status, kind, page = asked(port, path)
    assert (status, kind) == (NOT_YET, "text/html; charset=utf-8")
    assert "The demo is being built" in page
    assert PROGRESS in page, "the page asks where the room answers"
    assert "http:" not in page and "https:" not in page, "nothing is loaded from elsewhere"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/healthz"), ("GET", "/api/operations"), ("POST", "/api/operations/kpis")]
)
def test_programs_are_told_to_wait_and_how_far_it_is(method: str, path: str) -> None:
    port = int(free_port())
    with waiting_room("127.0.0.1", port) as tell:
        tell(0.25, "People at work: May 2026.")
        status, kind, told = asked(port, path, method)
        assert asked(port, PROGRESS) == (200, "application/json", told)
    assert (status, kind) == (NOT_YET, "application/json")
    assert json.loads(told) == {"status": "building", "done": 0.25, "what": "People at work: May 2026."}


def test_the_address_is_free_again_at_once_however_the_work_ended() -> None:
    port = int(free_port())
    with pytest.raises(ZeroDivisionError), waiting_room("127.0.0.1", port):
        assert asked(port, "/healthz")[0] == NOT_YET
        raise ZeroDivisionError
    with waiting_room("127.0.0.1", port):
        assert asked(port, "/healthz")[0] == NOT_YET


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_answers_where_the_portal_will() -> None:
    port = int(free_port())
    with waiting_room("::1", port):
        assert asked(port, "/healthz", host="::1")[0] == NOT_YET
