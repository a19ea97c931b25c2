"""Settings, the key that signs the record, and the places away from the store for what it signed."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.domain.errors import BadInput, GovernanceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


PRINT = "print"
_MAIL_SECONDS = 20.0
_ADDRESS = re.compile(r"[^@\s/]+@[^@\s/]+")


@dataclass(frozen=True)
class Place:
    """Where checkpoints are kept.

    Attributes
    ----------
    kind
        A folder, mail by SMTP, or a line on standard output.
    named
        The folder's path; `smtp://[user@]host[:port]/address`, or `smtps://` for TLS from the start.
    password
        Of the user at the mail server.
    """

    kind: Literal["folder", "mail", "print"]
    named: str
    password: str = field(default="", repr=False)

    def keep(self, name: str, text: str) -> None:
        """Keep a text there under a name.

        Raises
        ------
        GovernanceError
            The folder is not there, or the mail server does not take it.
        """
        try:
            match self.kind:
                case "folder":
                    _write(Path(self.named) / name, text)
                case "mail":
                    self._send(name, text)
                case "print":
                    sys.stdout.write(f"{name} {' '.join(text.split())}\n")
                    sys.stdout.flush()
        except OSError as error:  # smtplib's errors are some too
            raise GovernanceError(
                f"the checkpoint is not kept: {error}",
                where=self.named,
                remedy="Mend the place, or set GOVERNANCE_CHECKPOINTS to another.",
            ) from error

    def kept(self) -> Iterator[tuple[str, str]]:
        """Name and text of each checkpoint that lies in the folder; of other places nothing comes back."""
        files = sorted(Path(self.named).glob("checkpoint-*.json")) if self.kind == "folder" else []
        for file in files:
            yield file.name, file.read_text(encoding="utf-8", errors="replace")

    def _send(self, name: str, text: str) -> None:
        import smtplib
        import ssl
        from email.message import EmailMessage

        parts, mail = urlsplit(self.named), EmailMessage()
        mail["Subject"] = f"Governance record: {name}"
        mail["To"] = mail["From"] = unquote(parts.path.strip("/"))
        mail.set_content(
            "Keep this away from the store: 'governance verify --checkpoint' takes the attached file."
        )
        mail.add_attachment(text, filename=name)
        place, context = (parts.hostname or "", parts.port or 0), ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(*place, timeout=_MAIL_SECONDS, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(*place, timeout=_MAIL_SECONDS) as server
        ):
            server.ehlo()
            if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
                server.starttls(context=context)  # a password goes over no open line
            if parts.username:
                server.login(unquote(parts.username), self.password)
            server.send_message(mail)


@dataclass(frozen=True)
class Signing:
    """What signs the record, and when and where checkpoints are kept by themselves.

    Attributes
    ----------
    key, key_before
        Seeds of Ed25519 keys as 64 hexadecimal digits; empty for the key beside the record, and for none.
    places
        None where nobody chose any.
    entries, hours
        After how many of them another one is due.
    """

    key: str = field(default="", repr=False)
    key_before: str = field(default="", repr=False)
    places: tuple[Place, ...] = ()
    entries: int = 500
    hours: int = 24


UNSET = Signing()
"""Of a store that nobody chose anything for: the key lies beside the record."""


def places_of(text: object) -> object:
    """Read places as they are set, commas between.

    Examples
    --------
    >>> [place.kind for place in places_of("/mnt/audit, smtp://mail.example.org/audit@example.org, print")]
    ['folder', 'mail', 'print']
    """
    if not isinstance(text, str):
        return text
    return tuple(_place(one.strip()) for one in text.split(",") if one.strip())


def _place(named: str) -> Place:
    if named == PRINT:
        return Place("print", named)
    parts = urlsplit(named)
    if parts.scheme in ("smtp", "smtps"):
        if not (parts.hostname and _ADDRESS.fullmatch(unquote(parts.path.strip("/")))) or parts.password:
            raise ValueError(
                f"'{parts.scheme}://…' names no mail; write smtp://[user@]host[:port]/address, and give the "
                "password as GOVERNANCE_SMTP_PASSWORD"
            )
        return Place("mail", named)
    if not Path(named).is_absolute():
        raise ValueError(
            f"'{named[:60]}' is no place; give a folder's full path, smtp://host/address, or print"
        )
    return Place("folder", named)


def _write(file: Path, text: str) -> None:
    """Write a file that is not there yet; a folder that is not there may be a disk that is not mounted."""
    try:
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "w", encoding="utf-8"
        ) as made:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
    except FileExistsError:
        if file.read_text(encoding="utf-8", errors="replace") != text:
            raise


KEY_FILE = "signing.key"
_SEED = re.compile(r"[0-9a-f]{64}")


class SigningKey:
    """An Ed25519 key. Its private half is never shown: printing the object does not give it away."""

    def __init__(self, seed: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))

    @property
    def public(self) -> str:
        """The public half, in hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """Sign a message; the signature in hexadecimal digits."""
        return self._private.sign(message).hex()


def read_signing_key(folder: Path, given: str = "", *, known: str = "") -> SigningKey:
    """The key of the settings, else that of the store's folder, which is made where none is `known` yet."""
    if given:
        return SigningKey(given)
    path = folder / KEY_FILE
    if not path.exists():
        if known:
            raise BadInput(
                f"the signing key {known} is gone",
                where=str(path),
                remedy="Restore it from a backup, or give it as GOVERNANCE_SIGNING_KEY.",
            )
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise BadInput(
            "the signing key can be read by others", where=str(path), remedy=f"Run 'chmod 600 {path}'."
        )
    seed = path.read_text(encoding="ascii", errors="replace").strip()
    if not _SEED.fullmatch(seed):
        raise BadInput(
            "the file holds no signing key",
            where=str(path),
            remedy="Restore it from a backup.",
        )
    return SigningKey(seed)


def signature_valid(public_key: str, message: bytes, signature: str) -> bool:
    """Whether a signature over a message was made with the key whose public half is given."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # never over a key that somebody else has just made
    except FileExistsError as error:
        if not path.exists():
            raise BadInput(
                "the signing key is a link that leads nowhere",
                where=str(path),
                remedy="Restore what it leads to, or remove the link.",
            ) from error
    finally:
        part.unlink()


PROJECT = Path(__file__).resolve().parents[2]
PREFIX = "GOVERNANCE_"
_BESIDE = ("SECRETS", "CHROMIUM", "SCREENSHOTS")


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def safe_address(text: str) -> bool:
    """Whether an address is kept from others on its way: https, or on this machine."""
    try:
        found = urlsplit(text)
        host = found.hostname or ""
    except ValueError:
        return False
    return bool(host) and (found.scheme == "https" or (found.scheme == "http" and is_loopback(host)))


def safe(text: str) -> str:
    """Refuse an address on which passwords and tokens could be read on their way."""
    if text and not safe_address(text):
        raise ValueError(f"'{text[:80]}' is no https address")
    return text


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
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to serve on; loopback only without a login."
    )
    port: int = Field(8501, ge=1, le=65535, description="Port to serve on.")
    actor: str = Field(
        "", max_length=64, description="Who founds a store; in the demo, who acts on the command line."
    )
    token: SecretStr | None = Field(
        None, min_length=16, description="Token to act with on the command line; empty: the store's owner."
    )
    issuer: Annotated[str, AfterValidator(safe)] = Field(
        "", description="OpenID Connect provider to log in with, as its tokens say it; empty: no login."
    )
    client_id: str = Field("", description="Id of the portal at the provider.")
    client_secret: SecretStr | None = Field(
        None, min_length=16, description="Secret of the portal at the provider."
    )
    public_address: Annotated[str, AfterValidator(safe)] = Field(
        "", description="Address of the portal in a browser, behind a proxy; empty: host and port."
    )
    audience: str = Field("", description="Audience of bearer tokens; empty: the client's id.")
    login_claim: str = Field(
        "sub", min_length=1, description="Claim with a person's id; one that nobody can change themselves."
    )
    groups_claim: str = Field(
        "groups", min_length=1, description="Claim with a person's groups, such as realm_access.roles."
    )
    scope: str = Field("openid email profile", description="What is asked of the provider at login.")
    contact: str = Field(
        "whoever runs this portal", max_length=200, description="Who to ask for access, on the login page."
    )
    signing_key: Annotated[SecretStr, AfterValidator(signing_seed)] | None = Field(
        None, description="Key that checkpoints and audit packs are signed with; empty: one in the store."
    )
    signing_key_before: Annotated[SecretStr, AfterValidator(signing_seed)] | None = Field(
        None, description="The key used before, where another takes its place: it signs that."
    )
    checkpoints: Annotated[tuple[Place, ...], NoDecode, BeforeValidator(places_of)] = Field(
        (),
        description="Where checkpoints go: folders, smtp://host/address, print; commas between.",
    )
    checkpoint_entries: int = Field(500, ge=1, description="Entries after which a checkpoint is due.")
    checkpoint_hours: int = Field(
        24, ge=1, description="Hours after which one is due, if there are new entries."
    )
    smtp_password: SecretStr | None = Field(None, description="Password of the user named in smtp://user@….")

    @property
    def signing(self) -> Signing:
        """What signs the record, and where that is kept."""
        secrets = (self.signing_key, self.signing_key_before, self.smtp_password)
        key, before, password = (one.get_secret_value() if one else "" for one in secrets)
        places = tuple(replace(place, password=password) for place in self.checkpoints)
        return Signing(key, before, places, self.checkpoint_entries, self.checkpoint_hours)

    @model_validator(mode="after")
    def _known_people_alone(self) -> Settings:
        """Without a login, whoever reached the portal could act as anybody."""
        if self.issuer and not (self.client_id and self.client_secret):
            raise ValueError(f"{PREFIX}ISSUER needs {PREFIX}CLIENT_ID and {PREFIX}CLIENT_SECRET beside it")
        if not self.issuer and not is_loopback(self.host):
            raise ValueError(
                f"{PREFIX}HOST: '{self.host}' can be reached from outside, and there is no login; set "
                f"{PREFIX}ISSUER, or use 127.0.0.1 and from another machine forward the port over SSH"
            )
        if not is_loopback(self.host) and not self.public_address:
            raise ValueError(f"{PREFIX}PUBLIC_ADDRESS is missing; the provider leads people back to it")
        return self

    @property
    def public(self) -> str:
        """The address in a browser, where people log in: scheme, host and port."""
        return self.public_address.rstrip("/") or self.address

    @property
    def address(self) -> str:
        """Where the portal is served, as one types it into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def read_settings(**given: object) -> Settings:
    """Read the settings, `given` before the environment before the file."""
    _refuse_unknown()
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS"), **chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(map(str, found['loc'])).upper().removeprefix(PREFIX)}: {found['msg']}"
            if found["loc"]
            else found["msg"].removeprefix("Value error, ")
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
