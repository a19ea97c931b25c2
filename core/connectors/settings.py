"""Settings, from the environment or a `.env` file; wrong ones are refused with what to set instead."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.errors import BadInput

PROJECT = Path(__file__).resolve().parents[2]
PREFIX = "GOVERNANCE_"
_BESIDE = ("SECRETS", "CHROMIUM", "SCREENSHOTS")


def loopback(host: str) -> str:
    """Refuse an address that others could reach: without a login, whoever reached it could act as anybody."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ValueError(
            f"'{host}' can be reached from outside, and there is no login yet; use 127.0.0.1, and from "
            "another machine forward the port over SSH"
        )
    return host


def signing_seed(key: SecretStr) -> SecretStr:
    """Refuse what is no Ed25519 key; the message does not repeat it."""
    if not re.fullmatch(r"[0-9a-f]{64}", key.get_secret_value()):
        raise ValueError("is no signing key; give 64 hexadecimal digits, from 'openssl rand -hex 32'")
    return key


def plain_path(path: Path) -> Path:
    """Refuse characters that the database would read as a pattern over many files."""
    if any(char in str(path.absolute()) for char in "*?["):
        raise ValueError(f"'{path}' holds one of the characters * ? [; use a folder without them")
    return path


class Settings(BaseSettings):
    """What can be set. Each field is `GOVERNANCE_<NAME>`; a secret may lie in a file of that name under
    `GOVERNANCE_SECRETS`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="forbid", frozen=True
    )

    store: Annotated[Path, AfterValidator(plain_path)] = Field(
        PROJECT / "data" / "store", description="Folder of the store."
    )
    config: Path = Field(PROJECT / "config", description="Folder of the policy and its companions.")
    host: Annotated[str, AfterValidator(loopback)] = Field(
        "127.0.0.1", min_length=1, description="Address to serve on; loopback only."
    )
    port: int = Field(8501, ge=1, le=65535, description="Port to serve on.")
    actor: str = Field("", max_length=64, description="Who acts on the command line; empty: the local user.")
    api_token: SecretStr | None = Field(
        None, min_length=16, description="Bearer token for /api; empty: a new one per start."
    )
    signing_key: Annotated[SecretStr, AfterValidator(signing_seed)] | None = Field(
        None, description="Key that checkpoints and audit packs are signed with; empty: one in the store."
    )

    @property
    def address(self) -> str:
        """Where the portal is served, as one types it into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def read_settings(**given: object) -> Settings:
    """Read the settings, `given` before the environment before the file.

    Raises
    ------
    BadInput
        Naming the variable, what it holds, and what it may hold.
    """
    _refuse_unknown()
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS"), **chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(map(str, found['loc'])).upper().removeprefix(PREFIX)}: {found['msg']}"
            for found in error.errors(include_url=False, include_input=False)
        )
        raise BadInput(
            problems, where="settings", remedy="Set it to a value of that form, or unset it."
        ) from None
    if not (settings.config / "policy.yaml").is_file():
        raise BadInput(
            "GOVERNANCE_CONFIG names a folder without a policy.yaml",
            where=str(settings.config),
            remedy="Point it to the project's config folder, or to a copy of it.",
        )
    return settings


def _refuse_unknown() -> None:
    """A misspelt variable would silently leave its default in force."""
    known = [f"{PREFIX}{name.upper()}" for name in (*Settings.model_fields, *_BESIDE)]
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            raise BadInput(
                f"{name} is not a setting", where="environment", remedy=f"Use one of: {', '.join(known)}."
            )
