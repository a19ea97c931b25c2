"""The identity provider: its keys, and whether a bearer token is one of its own for this portal."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.connectors.settings import Settings, safe_address
from core.domain.errors import Unknown

if TYPE_CHECKING:
    from joserfc.jwk import KeySet


ALGORITHMS = ("EdDSA", *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)))
"""Signatures with a key pair alone: `none`, and secrets that both sides know, do not say who issued it."""
LEEWAY_SECONDS = 30
"""How far the provider's clock may be from ours."""
REFETCH_SECONDS = 60.0
"""Keys are asked for again, where a token names an unknown one, no sooner than after this."""
_PATIENCE_SECONDS = 5.0
_MOST_BYTES = 1 << 20
DISCOVERY = "/.well-known/openid-configuration"


@dataclass
class _Keys:
    """The provider's keys as they were fetched last, and when that was tried."""

    lock: Lock = field(default_factory=Lock)
    known: KeySet | None = None
    asked: float = float("-inf")


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider, and what of its tokens says who somebody is.

    Attributes
    ----------
    issuer
        As its tokens say it.
    audience
        For whom tokens must be that come as bearer tokens.
    person_claim, groups_claim
        The claims with a person's id and their groups.
    """

    issuer: str
    audience: str
    person_claim: str = "sub"
    groups_claim: str = "groups"
    _keys: _Keys = field(default_factory=_Keys, repr=False, compare=False)

    @property
    def metadata_url(self) -> str:
        """Where it describes itself."""
        return self.issuer.rstrip("/") + DISCOVERY

    def verified(self, token: str, now: datetime) -> Mapping[str, object]:
        """The claims of a token that the provider signed for this portal, and that holds now.

        Raises
        ------
        Unknown
            It is forged, expired, not yet valid, for somebody else, or not signed as it should be; or the
            provider does not answer.
        """
        from joserfc import errors, jwt

        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            try:
                found = jwt.decode(token, self._fetched(), algorithms=ALGORITHMS)
            except errors.InvalidKeyIdError:
                found = jwt.decode(token, self._fetched(anew=True), algorithms=ALGORITHMS)
            rules.validate(found.claims)
        except errors.ExpiredTokenError:
            raise Unknown(
                "the bearer token has expired", where="Authorization", remedy="Get a new one."
            ) from None
        except (errors.JoseError, ValueError, TypeError, KeyError):
            raise Unknown(
                "the bearer token is none of the identity provider's for this portal",
                where="Authorization",
                remedy="Send one that it issued for it.",
            ) from None
        claims: Mapping[str, object] = found.claims
        return claims

    def _fetched(self, *, anew: bool = False) -> KeySet:
        """The keys; asked for where there are none, or anew, but never more often than once a minute."""
        from joserfc.jwk import KeySet

        with self._keys.lock:
            due = time.monotonic() - self._keys.asked > REFETCH_SECONDS
            if (anew or self._keys.known is None) and due:
                self._keys.asked = time.monotonic()
                described = _got(self.metadata_url)
                if described.get("issuer") != self.issuer:
                    raise _silent(f"{self.metadata_url} describes another issuer")
                self._keys.known = KeySet.import_key_set(_got(str(described.get("jwks_uri"))))  # type: ignore[arg-type]
            if self._keys.known is None:
                raise _silent("its keys could not be fetched a moment ago")
            return self._keys.known


def _got(address: str) -> dict[str, object]:
    """The JSON at an address, of which nothing leads elsewhere."""
    if not safe_address(address):
        raise _silent(f"'{address[:80]}' is no https address")
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, build_opener

    class NoRedirect(HTTPRedirectHandler):
        """Follows nothing: keys come from the address that was set, or not at all."""

        def redirect_request(self, *_: object) -> None:
            """No request is made in place of the one that was asked for."""

    try:
        with build_opener(NoRedirect).open(address, timeout=_PATIENCE_SECONDS) as answer:
            found = json.loads(answer.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise _silent(f"{urlsplit(address).netloc}: {error}") from None
    if not isinstance(found, dict):
        raise _silent(f"{urlsplit(address).netloc} answers with no JSON object")
    return found


def _silent(why: str) -> Unknown:
    return Unknown("the identity provider does not answer", where=why[:200], remedy="Try again in a minute.")


def provider_of(settings: Settings) -> Provider | None:
    """The provider of the settings; None where there is none."""
    if not settings.issuer:
        return None
    return Provider(
        settings.issuer, settings.audience or settings.client_id, settings.login_claim, settings.groups_claim
    )
