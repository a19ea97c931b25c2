"""Set-up from nothing: the right uv, checked; a browser or a clear word; commands that list themselves."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path: str) -> ModuleType:
    """Load a script of the project by its path, since .ci is no package."""
    name = Path(path).stem
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Data classes look their own module up while they are being made.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


fetch_uv = load(".ci/fetch_uv.py")
fetch_browser = load(".ci/fetch_browser.py")
browser = load("tests/e2e/browser.py")
Machine, Wheel, SetupError = fetch_uv.Machine, fetch_uv.Wheel, fetch_uv.SetupError


def run_make(*arguments: str) -> str:
    """Run make as from a plain shell, although these tests may run below make themselves."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    ).stdout


def program(path: Path, *, code: int = 0) -> Path:
    """Write a program that ends with a given exit code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def wheel_file(folder: Path, member: str) -> tuple[Path, str]:
    """Write a wheel with one member; answer its path and its SHA-256."""
    path = folder / "uv-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "#!/bin/sh\necho uv 1.2.3\n")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("machine", "tag"),
    [
        (Machine("Linux", "x86_64", "glibc", (2, 36)), "manylinux_2_17_x86_64"),
        (Machine("Linux", "aarch64", "glibc", (2, 36)), "manylinux_2_17_aarch64"),
        (Machine("Linux", "armv7l", "glibc", (2, 31)), "manylinux_2_17_armv7l"),
        (Machine("Linux", "ppc64le", "glibc", (2, 17)), "manylinux_2_17_ppc64le"),
        (Machine("Linux", "x86_64", "musl", (1, 2)), "musllinux_1_1_x86_64"),
        (Machine("Linux", "aarch64", "musl", (1, 2)), "musllinux_1_1_aarch64"),
        (Machine("Darwin", "arm64", "", (14, 5)), "macosx_11_0_arm64"),
        (Machine("Darwin", "x86_64", "", (12, 0)), "macosx_10_12_x86_64"),
    ],
)
def test_the_lock_file_holds_a_uv_for_each_usual_machine(machine: Any, tag: str) -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    wheel = fetch_uv.pick_wheel(fetch_uv.locked_wheels(lock), machine)
    assert tag in wheel.url.rsplit("/", 1)[-1]
    assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        (Machine("Linux", "x86_64", "glibc", (2, 5)), "Linux glibc x86_64"),
        (Machine("Linux", "mips", "musl", (1, 2)), "Linux musl mips"),
        (Machine("FreeBSD", "amd64"), "FreeBSD amd64"),
    ],
)
def test_a_machine_without_a_ready_made_uv_is_told_so(machine: Any, kind: str) -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    with pytest.raises(SetupError) as refusal:
        fetch_uv.pick_wheel(fetch_uv.locked_wheels(lock), machine)
    assert str(refusal.value) == (
        f"uv has no ready-made file for this kind of machine ({kind}). "
        "Install uv by other means, so that `uv` is on the PATH, and start again"
    )


def test_a_lock_file_without_uv_is_refused() -> None:
    with pytest.raises(SetupError, match=r"^uv\.lock does not name uv\. Take uv\.lock from the repository"):
        fetch_uv.locked_wheels({"package": [{"name": "polars"}]})


def test_a_download_with_the_right_digest_becomes_a_program_that_starts(tmp_path: Path) -> None:
    source, digest = wheel_file(tmp_path, "uv-1.2.3.data/scripts/uv")
    target = tmp_path / "tools" / "uv"
    fetch_uv.unpack(fetch_uv.download(Wheel(source.as_uri(), digest)), target)
    assert fetch_uv.usable_uv(target)
    assert list(target.parent.iterdir()) == [target]


def test_a_download_with_a_wrong_digest_is_refused(tmp_path: Path) -> None:
    source, digest = wheel_file(tmp_path, "uv-1.2.3.data/scripts/uv")
    with pytest.raises(SetupError) as refusal:
        fetch_uv.download(Wheel(source.as_uri(), "0" * 64))
    assert f"its SHA-256 is {digest}, not {'0' * 64}. Nothing of it was used." in str(refusal.value)


def test_an_address_out_of_reach_names_the_address_and_the_ways_out(tmp_path: Path) -> None:
    absent = (tmp_path / "absent.whl").as_uri()
    with pytest.raises(SetupError) as refusal:
        fetch_uv.download(Wheel(absent, "0" * 64))
    message = str(refusal.value)
    assert message.startswith(f"uv could not be downloaded from {absent} (")
    assert "Check the network connection, or HTTPS_PROXY behind a proxy, and start again; or: " in message


def test_a_wheel_without_the_program_leaves_nothing_behind(tmp_path: Path) -> None:
    source, _ = wheel_file(tmp_path, "uv/__init__.py")
    target = tmp_path / "tools" / "uv"
    with pytest.raises(SetupError, match="holds no program named uv"):
        fetch_uv.unpack(source.read_bytes(), target)
    assert list(target.parent.iterdir()) == []


def test_a_uv_that_is_too_old_or_does_not_start_is_passed_over(tmp_path: Path) -> None:
    old = program(tmp_path / "old")
    old.write_text("#!/bin/sh\necho uv 0.4.30\n", encoding="utf-8")
    assert not fetch_uv.usable_uv(old)
    assert not fetch_uv.usable_uv(program(tmp_path / "broken", code=127))
    assert not fetch_uv.usable_uv(tmp_path / "absent")


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setenv("PATH", "")
    assert fetch_uv.main() == 1
    message = capsys.readouterr().err
    assert message.startswith("Set-up stopped. Python 3.11 or 3.12 is needed, this is ")
    assert "make PYTHON=/path/to/python3.11 run" in message


def test_make_alone_lists_every_command_that_has_a_help_comment() -> None:
    sheet = (ROOT / "Makefile").read_text(encoding="utf-8")
    commented = dict(re.findall(r"^([a-z]+):.*## (.+)$", sheet, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", sheet, flags=re.MULTILINE)
    assert phony is not None and set(phony[1].split()) == set(commented)
    listed = [line.split(maxsplit=2)[1:] for line in run_make().splitlines()]
    assert listed == [[name, words] for name, words in commented.items()]


def test_make_keeps_every_cache_inside_the_checkout() -> None:
    shown = run_make("--eval", "show-settings: ; @env", "show-settings")
    settings = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    tools = "UV_CACHE_DIR UV_PYTHON_INSTALL_DIR UV_TOOL_DIR UV_PROJECT_ENVIRONMENT PLAYWRIGHT_BROWSERS_PATH"
    caches = "XDG_CACHE_HOME NUMBA_CACHE_DIR MPLCONFIGDIR RUFF_CACHE_DIR MYPY_CACHE_DIR"
    kept = f"{tools} {caches}".split()
    assert {name: settings[name] for name in kept if not Path(settings[name]).is_relative_to(ROOT)} == {}


def test_only_the_lock_file_holds_addresses() -> None:
    scripts = [ROOT / "Makefile", *(path for path in (ROOT / ".ci").iterdir() if path.is_file())]
    assert [path.name for path in scripts if "://" in path.read_text(encoding="utf-8")] == []


def test_the_build_server_calls_the_same_command_as_people() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text(encoding="utf-8")
    assert script.read_text(encoding="utf-8").endswith("exec make test </dev/null\n")


def test_a_named_browser_that_does_not_start_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = program(tmp_path / "chromium", code=127)
    monkeypatch.setenv("GOVERNANCE_CHROMIUM", str(broken))
    with pytest.raises(browser.UnusableBrowserError) as refusal:
        browser.find_chromium()
    assert str(refusal.value) == (
        f"GOVERNANCE_CHROMIUM names '{broken}', which does not start. Correct it or unset it"
    )


def test_the_named_browser_comes_first_then_the_path_then_the_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = program(tmp_path / "named" / "my-browser")
    on_path = program(tmp_path / "bin" / "chromium")
    downloaded = program(tmp_path / "downloads" / "chromium-1255" / "chrome-linux64" / "chrome")
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "downloads"))
    monkeypatch.setenv("GOVERNANCE_CHROMIUM", str(named))
    assert browser.find_chromium() == named
    monkeypatch.delenv("GOVERNANCE_CHROMIUM")
    assert browser.find_chromium() == on_path
    program(on_path, code=127)
    assert browser.find_chromium() == downloaded
    downloaded.unlink()
    assert browser.find_chromium() is None


def test_without_any_browser_the_run_fails_and_says_what_was_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_browser, "lacking", lambda _: "no Chromium starts here")
    monkeypatch.setattr(fetch_browser, "from_debian", lambda: "only root may install it")
    monkeypatch.setattr(fetch_browser, "from_playwright", lambda: "no network")
    assert fetch_browser.main() == 1
    assert capsys.readouterr().err == (
        "The browser tests cannot run, and no headless Chromium can be had (Debian's package: only root may "
        "install it; Playwright's download: no network). As root run: apt-get install chromium libatomic1 "
        "fonts-dejavu-core; elsewhere install Chromium, name it in GOVERNANCE_CHROMIUM if it is not on the "
        "PATH, and start again.\n"
    )
