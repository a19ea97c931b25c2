"""`governance serve` without a store, in a browser: how far the demo is, and then, by itself, the portal."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.e2e.served import PATIENCE_SECONDS, Server, started, wait_until_healthy, watched
from tests.services.test_demo import FEW

SMALL = f"""
import sys
from core.entrypoints.cli import run
from core.entrypoints import serving
serving._DEMO = (*serving._DEMO, "--no-workers", *(f"--only={{name}}" for name in {FEW!r}))
sys.exit(run(sys.argv[1:]))
"""
"""The command line, with a demo of few initiatives."""
NOT_YET = 503


def test_a_deep_link_says_how_far_the_demo_is_and_opens_by_itself(browser: Browser, tmp_path: Path) -> None:
    with started(tmp_path / "store", program=("-c", SMALL)) as server:
        assert health(server) == NOT_YET
        seen = watched(browser, server.address, width=420, height=900, dark=True)
        seen.page.goto(f"{server.address}/inventory")
        expect(seen.page.locator("h1")).to_have_text("The demo is being built")
        expect(seen.page.get_by_role("status")).to_contain_text("% done. People at work", timeout=60_000)
        assert float(seen.page.get_by_role("progressbar").get_attribute("value") or 0) > 0
        assert health(server) == NOT_YET
        wait_until_healthy(server)
        expect(seen.page.locator("h1")).to_have_text("Inventory", timeout=60_000)
        seen.settle()
        expect(seen.page.locator('[data-testid="stMain"]')).to_contain_text(FEW[0])
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
    # Programs are told to wait, and between the two servers nobody answers: no other problem was seen.
    told = ("status of 503", "ERR_CONNECTION", "ERR_EMPTY")
    assert [problem for problem in seen.problems if not any(one in problem for one in told)] == []


def health(server: Server) -> int:
    """The status of the health check, once anybody answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{server.address}/healthz", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            assert time.monotonic() < deadline, server.log.read_text(encoding="utf-8")
            time.sleep(0.05)
