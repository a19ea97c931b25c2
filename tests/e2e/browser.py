"""Where the headless Chromium of the browser tests comes from."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

BROWSER_SETTING = "GOVERNANCE_CHROMIUM"
# Order of preference: Debian's own name first.
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Playwright's own downloads, newest layout first; the small headless shell will do as well.
DOWNLOADS = (
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium_headless_shell-*/*/headless_shell",
    "chromium-*/*/chrome",
    "chromium-*/*/*.app/Contents/MacOS/*",
)
START_SECONDS = 30


class UnusableBrowserError(RuntimeError):
    """The browser that a setting names does not start."""


def find_chromium() -> Path | None:
    """Find a Chromium that starts on this machine.

    Returns
    -------
    Path or None
        The program named by `GOVERNANCE_CHROMIUM`, else one on the PATH, else one that Playwright
        downloaded to `PLAYWRIGHT_BROWSERS_PATH`; None if there is none.

    Raises
    ------
    UnusableBrowserError
        `GOVERNANCE_CHROMIUM` is set and does not start: no other one is used in its place.
    """
    named = os.environ.get(BROWSER_SETTING)
    if named:
        if starts(Path(named)):
            return Path(named)
        raise UnusableBrowserError(
            f"{BROWSER_SETTING} names {named!r}, which does not start. Correct it or unset it"
        )
    return next((candidate for candidate in _candidates() if starts(candidate)), None)


def starts(program: Path) -> bool:
    """Tell whether a browser starts, so that one with missing libraries is not taken for a good one."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, check=False, timeout=START_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0


def _candidates() -> list[Path]:
    on_path = [Path(found) for command in COMMANDS if (found := shutil.which(command))]
    downloads = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if not downloads:
        return on_path
    return on_path + [
        path for pattern in DOWNLOADS for path in sorted(Path(downloads).glob(pattern), reverse=True)
    ]
