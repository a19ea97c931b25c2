"""See to it that the browser tests have a headless Chromium, or say why they cannot have one.

Debian's package when this is root and apt-get is there, Playwright's own download otherwise. It runs in
the project's environment, after the packages are installed.
"""

# ruff: noqa: T201  (to print is what these scripts are for)
from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
# Playwright's driver needs libatomic, which a bare Debian has not; a bare browser has no font to draw with.
DEBIAN_PACKAGES = ("chromium", "libatomic1", "fonts-dejavu-core")
REMEDY = (
    f"As root run: apt-get install {' '.join(DEBIAN_PACKAGES)}; "
    "elsewhere install Chromium, name it in GOVERNANCE_CHROMIUM if it is not on the PATH, and start again"
)


def browser_module() -> ModuleType:
    """Load tests/e2e/browser.py, so that set-up and tests look in the same places."""
    spec = importlib.util.spec_from_file_location("browser", ROOT / "tests" / "e2e" / "browser.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lacking(browser: ModuleType) -> str:
    """Say what the browser tests lack; empty if a Chromium and Playwright's driver both start."""
    if not browser.find_chromium():
        return "no Chromium starts here"
    driver = attempt([[sys.executable, "-m", "playwright", "--version"]])
    return f"Playwright's driver does not start: {driver}" if driver else ""


def attempt(commands: list[list[str]], extra: dict[str, str] | None = None) -> str:
    """Run commands one after the other, up to the first that fails.

    Returns
    -------
    str
        Empty if all went well, otherwise the last line that the failing one wrote.
    """
    for command in commands:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, **(extra or {})},
        )
        if done.returncode:
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            return lines[-1] if lines else f"{command[0]} ended with code {done.returncode}"
    return ""


def from_debian() -> str:
    """Install Debian's package; empty if that went well, otherwise what stood in the way."""
    if not shutil.which("apt-get"):
        return "there is no apt-get here"
    if os.geteuid() != 0:
        return "only root may install it"
    print("Installing Debian's Chromium ...", flush=True)
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN_PACKAGES]
    return attempt([["apt-get", "update"], install], {"DEBIAN_FRONTEND": "noninteractive"})


def from_playwright() -> str:
    """Download Playwright's own Chromium; empty if that went well, otherwise what stood in the way."""
    print("Downloading Playwright's Chromium ...", flush=True)
    return attempt([[sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]])


def main() -> int:
    """Provide the browser.

    Returns
    -------
    int
        0 if there is one, 1 if none can be had: then the test run fails, it does not skip.
    """
    browser = browser_module()
    try:
        if not lacking(browser):
            return 0
        reasons = []
        for name, provide in (("Debian's package", from_debian), ("Playwright's download", from_playwright)):
            reason = provide() or lacking(browser)
            if not reason:
                return 0
            reasons.append(f"{name}: {reason}")
    except browser.UnusableBrowserError as error:
        print(f"The browser tests cannot run. {error}.", file=sys.stderr)
        return 1
    tried = "; ".join(reasons)
    message = f"The browser tests cannot run, and no headless Chromium can be had ({tried}). {REMEDY}."
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
