"""Texts from people stay texts, files cannot run, and the door stays shut to strangers."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.analytics.kpi_values import count_kpi
from core.connectors.settings import PROJECT, read_settings
from core.domain.errors import BadInput, Conflict
from core.domain.moment import Moment
from core.lake.memory import Memory
from core.services.governance import Reader
from core.services.oversight.kpis import KpiReading
from portal.components.canvas import MOST_POINTS, as_rows
from portal.components.cards import sparkline_html
from portal.components.desk import Desk
from portal.components.pills import GLYPHS, LOOKS, STREAMLIT_COLOURS, pill_html
from portal.components.tables import csv_text, defuse
from portal.components.text import escape, escape_html, percent, plain, points
from portal.components.work.kpi_view import kpi_card
from portal.shell import serve as notice
from portal.shell.house import SECTIONS, page_names
from portal.shell.serve import (
    STREAMLIT_CONFIG,
    HostGuard,
    SecurityHeaders,
    content_security_policy,
    require_free,
    shipped_page,
    start_page,
    streamlit_options,
)
from tests.unit.test_formulas_explained import KPIS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOINER = "\u2060"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (":green-badge[Approved]", r"\:green\-badge\[Approved\]"),
        ("![](http://evil.example/x.png)", rf"\!\[\]\(http\:{JOINER}\/\/evil\.example\/x\.png\)"),
        ("$x^2$", r"\$x\^2\$"),
        ("<b>bold</b>", r"\<b\>bold\<\/b\>"),
        ("[a](b)", r"\[a\]\(b\)"),
        (":red_circle:", rf"\:{JOINER}red\_circle\:"),
        (":material/check:", rf"\:{JOINER}material\/check\:"),
        ("a -> b", rf"a \-{JOINER}\> b"),
        ("www.example.com", rf"www{JOINER}\.example\.com"),
        ("a@b.co", rf"a\@{JOINER}b\.co"),
        ("# head\n- item\n\n> quote", r"\# head \- item \> quote"),
        ("    code", "code"),
        ("\u202egnp.exe", r"gnp\.exe"),
        ("Crédit à la 10 %", "Crédit à la 10 %"),
        (None, ""),
    ],
)
def test_a_text_from_outside_is_shown_literally(typed: object, shown: str) -> None:
    assert escape(typed) == shown


def test_our_own_html_holds_no_markup_from_outside() -> None:
    assert escape_html("<img src=x onerror='go()'>\"") == "&lt;img src=x onerror=&#x27;go()&#x27;&gt;&quot;"
    assert "<script" not in pill_html("blocked", "<script>alert(1)</script>")


def test_control_characters_and_direction_overrides_are_dropped() -> None:
    assert plain("a\x00\u202e\u200b\tb\r\n c") == "a b c"


@pytest.mark.parametrize(
    "cell",
    [
        *('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"),
        *("\u00a0=1", "\ufeff=1", "\u200b=1", "\u2028=1", "\ufeff\u00a0\u3000@SUM(A1)", "\u2060+1"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert defuse(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["a=b", "1-2", "", -1, 0.5, None])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert defuse(cell) == cell


def test_a_csv_file_has_readable_titles_defused_texts_and_true_numbers() -> None:
    rows = [
        {
            "name": "=1+1",
            "gap": -0.5,
            "tags": ["-a", "b"],
            "day": date(2026, 1, 2),
            "hidden": "x",
            "none": None,
        }
    ]
    titles = {"name": "Initiative", "gap": "Gap", "tags": "=Tags", "day": "Day", "none": "Nothing"}
    read = list(csv.reader(io.StringIO(csv_text(rows, titles))))
    assert read == [
        ["Initiative", "Gap", "'=Tags", "Day", "Nothing"],
        ["'=1+1", "-0.5", "'-a; b", "2026-01-02", ""],
    ]


def test_every_status_has_a_text_a_colour_and_a_shape() -> None:
    for status, look in LOOKS.items():
        assert look.text
        assert look.tone in STREAMLIT_COLOURS
        assert look.shape in GLYPHS
        assert f"gp-{look.shape}" in pill_html(status)


def test_good_and_bad_differ_in_shape_and_not_in_colour_alone() -> None:
    shapes = {
        tone: {look.shape for look in LOOKS.values() if look.tone == tone} for tone in STREAMLIT_COLOURS
    }
    assert not shapes["good"] & shapes["bad"]
    assert not shapes["good"] & shapes["watch"]


def test_numbers_have_one_form() -> None:
    assert (percent(0.725), percent(None), points(-0.0301), points(0.00001)) == (
        "72%",
        "–",
        "−3.0 points",
        "+0.0 points",
    )


def test_a_sparkline_needs_two_values_and_survives_equal_ones() -> None:
    assert sparkline_html([1.0]) == ""
    assert "13.0" in sparkline_html([2.0, 2.0])


def test_a_chart_refuses_more_points_than_it_can_show() -> None:
    with pytest.raises(BadInput, match="10,001 points"):
        as_rows([{}] * (MOST_POINTS + 1))


@dataclass
class Counted:
    """A query that counts how often it is asked."""

    asked: int = 0

    def query(self, governance: Any, moment: Moment, *, team: str = "", classes: Iterable[str] = ()) -> str:
        self.asked += 1
        return f"{team}{moment.seq}{list(classes)}"


def test_the_same_question_at_the_same_head_is_answered_from_memory() -> None:
    counted, governance, actor = (
        Counted(),
        SimpleNamespace(memory=Memory(), reader=Reader()),
        SimpleNamespace(),
    )

    def desk(seq: int, at: datetime = NOON) -> Desk:
        return Desk(governance, actor, Moment(seq, at))  # type: ignore[arg-type]

    assert desk(1).ask(counted.query, team="a", classes=["high"]) == "a1['high']"
    assert desk(1, NOON.replace(hour=13)).ask(counted.query, team="a", classes=["high"]) == "a1['high']"
    assert counted.asked == 1
    desk(2).ask(counted.query, team="a", classes=["high"])
    desk(1).ask(counted.query, team="b", classes=["high"])
    desk(1, NOON.replace(day=24)).ask(counted.query, team="a", classes=["high"])
    assert counted.asked == 4


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_a_loopback_address_is_served(host: str) -> None:
    assert read_settings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "portal.example.com"])
def test_any_other_address_is_refused_with_a_remedy(host: str) -> None:
    with pytest.raises(
        BadInput, match=r"GOVERNANCE_HOST.*there is no login; set GOVERNANCE_ISSUER, or use 127\.0\.0\.1"
    ):
        read_settings(host=host)


def answer(app: Any, *, host: str | None, kind: str = "http") -> list[dict[str, Any]]:
    """Send one request through an ASGI app and collect what it sends."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    asyncio.run(app({"type": kind, "path": "/", "headers": headers}, receive, send))
    return sent


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers 200 with a lax header of its own."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOWALL")]})


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "LOCALHOST:1", "[::1]:8501", "127.0.0.2"])
def test_our_own_names_pass(host: str) -> None:
    assert answer(HostGuard(inner, ["127.0.0.2"]), host=host)[0]["status"] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8501", "localhost@evil.example", "", None, "localhost:x"]
)
def test_a_foreign_name_that_points_here_is_turned_away(host: str | None) -> None:
    assert answer(HostGuard(inner), host=host)[0]["status"] == 421
    assert answer(HostGuard(inner), host=host, kind="websocket")[0]["type"] == "websocket.close"


def test_every_answer_carries_the_security_headers_and_no_laxer_ones() -> None:
    headers = answer(SecurityHeaders(inner, "default-src 'none'"), host="localhost")[0]["headers"]
    found = {name.lower(): value for name, value in headers}
    assert len(found) == len(headers)
    assert found[b"content-security-policy"] == b"default-src 'none'"
    assert found[b"x-frame-options"] == b"DENY"
    assert found[b"x-content-type-options"] == b"nosniff"


def test_the_content_policy_names_inline_scripts_by_hash_only() -> None:
    policy = content_security_policy('<script>\n  go()\n</script><script type="module" src="a.js"></script>')
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts.count("'sha256-") == 1
    assert "unsafe-inline" not in scripts
    assert "'unsafe-eval'" not in scripts
    assert "http" not in policy


def test_the_note_of_a_server_is_for_its_owner_only_and_goes_with_it(tmp_path: Path) -> None:
    notice.put_up_notice(tmp_path, address="http://127.0.0.1:8501", token="secret")
    note = tmp_path / notice.NOTICE
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert json.loads(note.read_text())["address"] == "http://127.0.0.1:8501"
    notice.take_down_notice(tmp_path)
    assert list(tmp_path.iterdir()) == []
    note.write_text('{"pid": 1}')
    notice.take_down_notice(tmp_path)
    assert note.exists()


def test_a_taken_port_is_refused_with_a_remedy() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Conflict, match="cannot be used"):
            require_free("127.0.0.1", other.getsockname()[1])


def test_streamlit_knows_every_option_of_our_file() -> None:
    from streamlit import config
    from streamlit.web.server.starlette.starlette_app import _validate_run_config

    options = streamlit_options(STREAMLIT_CONFIG)
    config.get_config_options()
    assert _validate_run_config(options) == options
    assert options["client.showErrorDetails"] == "none"
    assert options["browser.gatherUsageStats"] is False
    assert options["client.disableDataExport"] is True


def test_a_missing_look_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="look cannot be read"):
        streamlit_options(tmp_path / "config.toml")


def test_the_start_page_bears_our_name_and_every_inline_script_has_its_hash() -> None:
    html = start_page(shipped_page())
    assert "<title>Governance portal</title>" in html
    assert "app/static/mark.png" in html
    assert "app/static/inter-latin.woff2" in html
    assert html.count("BACKEND_BASE_URL") == 1
    scripts = next(p for p in content_security_policy(html).split("; ") if p.startswith("script-src"))
    assert scripts.count("'sha256-") == 2


def test_every_page_of_the_navigation_is_a_file_and_every_file_is_in_the_navigation() -> None:
    names = page_names()
    pages = {path.stem for path in (PROJECT / "portal" / "pages").glob("*.py")} - {"__init__"}
    assert len(names) == len(set(names)) == sum(map(len, SECTIONS.values()))
    assert set(names) == pages


@pytest.mark.parametrize(
    ("kpi", "change", "words"),
    [
        ("days", -0.4, "unchanged"),
        ("days", -0.6, "−1"),
        ("share", 0.0004, "unchanged"),
        ("share", 0.0006, "+0.1 points"),
    ],
)
def test_a_change_that_reads_as_nothing_is_no_change(kpi: str, change: float, words: str) -> None:
    definition = next(one for one in KPIS if one.unit == kpi)
    value = replace(count_kpi(3, direction=definition.direction), change=change, trend="better")
    card = kpi_card(KpiReading(definition, value, ()))
    assert card.trend == f"{words} since last month"
    assert (card.direction == 0) == (card.better is None) == (words == "unchanged")
