"""Print the path of a usable uv, fetched into .cache/tools if the machine has none.

uv is in the development group, so uv.lock names each of its wheels with address and digest: nothing
else has to be known here, and nothing that does not match the lock file is ever run. Standard library
only, because this comes before any package is installed.
"""

# ruff: noqa: T201  (to print is what these scripts are for)
from __future__ import annotations

import hashlib
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".cache" / "tools"
# The first uv that reads this lock file's options as they are meant.
OLDEST = (0, 9)
SECONDS = 60
BY_HAND = "Install uv by other means, so that `uv` is on the PATH, and start again"


class SetupError(Exception):
    """Something is missing that set-up needs; the message says what and what to do."""


@dataclass(frozen=True)
class Machine:
    """What decides whether a wheel runs here.

    Attributes
    ----------
    system
        As `platform.system()`: "Linux", "Darwin".
    processor
        As `platform.machine()`: "x86_64", "aarch64", "arm64", ...
    libc
        "glibc" or "musl"; empty elsewhere than on Linux.
    version
        Of glibc, musl or macOS: (major, minor).
    """

    system: str
    processor: str
    libc: str = ""
    version: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Wheel:
    """One file of the lock file: its address and its SHA-256 digest in hexadecimal."""

    url: str
    sha256: str


def this_machine() -> Machine:
    """Describe the machine that this runs on."""
    system, processor = platform.system(), platform.machine()
    if system == "Darwin":
        return Machine(system, processor, "", _version(platform.mac_ver()[0]))
    libc, version = platform.libc_ver()
    # Python names only glibc; a Linux without it is built on musl, whose version it may not tell.
    return Machine(
        system, processor, "glibc" if libc == "glibc" else "musl", _version(version) if libc else (1, 2)
    )


def locked_wheels(lock: dict[str, Any]) -> list[Wheel]:
    """List the wheels of uv in a lock file.

    Raises
    ------
    SetupError
        The lock file does not hold uv.
    """
    for package in lock.get("package", []):
        if package["name"] == "uv":
            return [Wheel(w["url"], w["hash"].removeprefix("sha256:")) for w in package["wheels"]]
    raise SetupError("uv.lock does not name uv. Take uv.lock from the repository again")


def pick_wheel(wheels: list[Wheel], machine: Machine) -> Wheel:
    """Choose the wheel that runs on a machine.

    Raises
    ------
    SetupError
        There is none for it.

    Notes
    -----
    Source: platform tags of PEP 425, 600 (glibc) and 656 (musl).
    """
    for wheel in wheels:
        tags = wheel.url.rsplit("/", 1)[-1].removesuffix(".whl").rsplit("-", 1)[-1]
        if any(_runs_on(tag, machine) for tag in tags.split(".")):
            return wheel
    kind = " ".join(filter(None, [machine.system, machine.libc, machine.processor]))
    raise SetupError(f"uv has no ready-made file for this kind of machine ({kind}). {BY_HAND}")


def download(wheel: Wheel) -> bytes:
    """Fetch a wheel and check its digest.

    Raises
    ------
    SetupError
        It cannot be reached, or it is not the file that the lock file means.
    """
    try:
        content = _read(wheel.url)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SetupError(
            f"uv could not be downloaded from {wheel.url} ({reason}). "
            f"Check the network connection, or HTTPS_PROXY behind a proxy, and start again; or: {BY_HAND}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != wheel.sha256:
        raise SetupError(
            f"The file at {wheel.url} is not the one that uv.lock means: its SHA-256 is {found}, "
            f"not {wheel.sha256}. Nothing of it was used. "
            "Try again, and if it stays so, ask who runs your network"
        )
    return content


def unpack(content: bytes, target: Path) -> None:
    """Write the program uv out of a wheel to `target`, all or nothing.

    Raises
    ------
    SetupError
        The wheel holds no such program.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        part = Path(folder) / "wheel"
        part.write_bytes(content)
        with zipfile.ZipFile(part) as archive:
            names = [name for name in archive.namelist() if name.endswith(".data/scripts/uv")]
            if not names:
                raise SetupError(f"The downloaded wheel holds no program named uv. {BY_HAND}")
            program = Path(archive.extract(names[0], folder))
        program.chmod(0o755)
        # A rename, so that an interrupted or a second set-up never leaves half a file in place.
        program.replace(target)


def usable_uv(candidate: str | Path | None) -> bool:
    """Tell whether a uv starts and is new enough."""
    if not candidate:
        return False
    try:
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return said.returncode == 0 and _version(said.stdout) >= OLDEST


def provide_uv() -> str:
    """Find or fetch uv.

    Returns
    -------
    str
        Path of the program.

    Raises
    ------
    SetupError
        There is none and none can be had.
    """
    on_path = shutil.which("uv")
    if on_path and usable_uv(on_path):
        return on_path
    wheel = pick_wheel(locked_wheels(_read_lock(ROOT / "uv.lock")), this_machine())
    version = wheel.url.rsplit("/", 1)[-1].split("-")[1]
    target = TOOLS / f"uv-{version}" / "uv"
    if not usable_uv(target):
        print(f"Fetching uv {version} into {target.parent.relative_to(ROOT)} ...", file=sys.stderr)
        unpack(download(wheel), target)
    return str(target)


def main() -> int:
    """Print the path of uv on standard output; say on standard error what is wrong."""
    try:
        print(provide_uv())
    except SetupError as error:
        print(f"Set-up stopped. {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Set-up stopped. {error}. Make sure that {ROOT} is writable and not full.", file=sys.stderr)
        return 1
    return 0


def _runs_on(tag: str, machine: Machine) -> bool:
    system, processor = machine.system, machine.processor
    if system == "Darwin":
        match = re.fullmatch(rf"macosx_(\d+)_(\d+)_{processor}", tag)
    elif system == "Linux" and machine.libc:
        family = "manylinux" if machine.libc == "glibc" else "musllinux"
        match = re.fullmatch(rf"{family}_(\d+)_(\d+)_{processor}", tag)
    else:
        return False
    return match is not None and (int(match[1]), int(match[2])) <= machine.version


def _version(text: str) -> tuple[int, int]:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _read_lock(path: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError as error:
        found = platform.python_version()
        raise SetupError(
            f"Python 3.11 or 3.12 is needed, this is {found}. Install it (Debian: python3), "
            "or name it: make PYTHON=/path/to/python3.11 run"
        ) from error
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _read(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError):
            raise
    # A bare machine has no certificates to check with. The digest out of the lock file decides anyway.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=SECONDS, context=trusting) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    sys.exit(main())
