"""Who somebody is: by a login at the identity provider, by a token, or as the owner of the store's files."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from core.connectors.provider import Provider
from core.domain.actors import Actor, Scope
from core.domain.chain import Fact, canonical
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound, Unknown
from core.domain.facts.record import Login, Logout, Token
from core.domain.facts.recorded import Signed, entry_of
from core.domain.given import argument, option
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history, latest, newest_of
from core.lake.record.entries import store_kind
from core.lake.store import DATABASE
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.record.people import (
    PIPELINE,
    acting_person,
    found_store,
    introduced,
    membership_of,
    require_roles,
)

OWNER = "owner of the store's files"
LOGIN = "login"
BEARER = "bearer token of the provider"
_MOST_TOKEN = 16_384
"""Characters that a token may have."""


@dataclass(frozen=True)
class Claims:
    """What an identity provider says of somebody.

    Attributes
    ----------
    login
        Digest of issuer and subject, by which the same login is known again.
    person
        Id that the person has here unless they came before.
    issued_at, expires_at
        From when to when it holds (UTC).
    """

    login: str
    person: str
    name: str
    groups: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


def claims_of(provider: Provider, told: Mapping[str, object]) -> Claims:
    """Read the claims of a token that was verified.

    Raises
    ------
    Unknown
        One that is needed is absent, or another issuer speaks.
    """
    issuer, subject = told.get("iss"), told.get("sub")
    if issuer != provider.issuer or not isinstance(subject, str) or not subject:
        raise Unknown("the login is not one of this portal's identity provider", remedy="Log in again.")
    person = _person_id(_claim(told, provider.person_claim))
    if provider.person_claim == "email" and told.get("email_verified") is not True:
        person = ""
    if not person or person == PIPELINE.id:
        raise Forbidden(
            f"the identity provider says no usable '{provider.person_claim}' of you",
            remedy="Whoever runs this portal sets GOVERNANCE_LOGIN_CLAIM to one that it does say.",
        )
    groups = _claim(told, provider.groups_claim)
    return Claims(
        hashlib.sha256(canonical([issuer, subject]).encode()).hexdigest(),
        person,
        str(told.get("name") or person)[:100],
        tuple(map(str, groups)) if isinstance(groups, list) else (str(groups),) if groups else (),
        _time(told, "iat"),
        _time(told, "exp"),
    )


def _claim(told: Mapping[str, object], path: str) -> object:
    """A claim by its name, or by the way to it, such as `realm_access.roles`."""
    found: object = told.get(path)
    if found is None and "." in path:
        first, _, rest = path.partition(".")
        inner = told.get(first)
        return _claim(inner, rest) if isinstance(inner, Mapping) else None
    return found


def _person_id(given: object) -> str:
    """As an id of the directory: `Ada@Example.org` is `ada-example.org`."""
    text = re.sub(r"[^a-z0-9.\-]", "-", str(given or "").lower())[:64]
    return text if re.match(r"[a-z0-9]", text) else ""


def _time(told: Mapping[str, object], name: str) -> datetime:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unknown("the login does not say from when to when it holds", remedy="Log in again.")
    return datetime.fromtimestamp(value, UTC)


def admitted(governance: Governance, claims: Claims, now: datetime, credential: str) -> Actor:
    """Who somebody is that the provider vouches for; their roles are those of their groups.

    The first time, whose login it is comes on record; later, only roles that have changed since.

    Raises
    ------
    Unknown
        The login has expired, or was logged out.
    Forbidden
        Nobody here is called so, and no group gives a role; or the id belongs to another login.
    """
    moment = governance.present(now)
    person = _whose(governance, claims, moment)
    ended = latest(governance.store, Logout, moment, person=person)
    if claims.expires_at <= now or (ended and claims.issued_at <= _utc(ended.issued_until)):
        what = "your login has expired" if claims.expires_at <= now else "you were logged out"
        raise Unknown(what, where=person, remedy="Log in again.")
    known = directory.person(governance.store, person)
    if known is None and not governance.rules(moment).roles.as_grouped((), claims.groups):
        raise Forbidden("nobody here is called so, and no group gives a role", where=person)
    here = _here(known or Actor(id=person, name=claims.name))
    if _kept(governance, claims, here, now, new=known is None):
        here = governance.person(person)
    return here.model_copy(update={"credential": credential})


def _here(known: Actor) -> Actor:
    """Somebody, unless they have left: no login, token or group lets them in again."""
    if known.left_on:
        raise Forbidden(
            f"{known.called} may do nothing here any more",
            where=known.id,
            remedy="Whoever manages the directory adds them again, if they came back.",
        )
    return known


def _whose(governance: Governance, claims: Claims, moment: Moment) -> str:
    """Whose login it is; the first that comes for an id has it from then on."""
    before = latest(governance.store, Login, moment, login=claims.login)
    if before is not None:
        return before.person
    if latest(governance.store, Login, moment, person=claims.person) is not None:
        raise Forbidden("this id belongs to another login", where=claims.person)
    return claims.person


def _kept(governance: Governance, claims: Claims, known: Actor, now: datetime, *, new: bool) -> bool:
    """Put on record whose login it is, and which roles it brings, where that is new; all or none."""
    roles = governance.rules(governance.present(now)).roles.as_grouped(known.roles, claims.groups)
    changed, person = set(roles) != set(known.roles), known.model_copy(update={"roles": roles})
    came, beside = introduced(person) if new else (membership_of(person), None)

    def news(moment: Moment) -> list[Fact]:
        _whose(governance, claims, moment)
        read = latest(governance.store, Login, moment, login=claims.login)
        if read is not None and (not changed or claims.issued_at <= _utc(read.issued_at)):
            return []
        login = Login(person=known.id, login=claims.login, issued_at=claims.issued_at)
        return [entry_of("login_known", login), *([came] if changed else [])]

    if not news(governance.present(now)):
        return False
    governance.store.append_next(news, actor=PROVIDER, at=now, credential=LOGIN, beside=beside)
    return True


PROVIDER = "identity:provider"
"""Who gives the roles of groups, on record; no person can have this id."""


def log_out(governance: Governance, actor: Actor, issued_at: datetime, now: datetime) -> None:
    """End all logins of somebody that were issued up to now, in every browser and for the API."""
    ended = entry_of("logged_out", Logout(person=actor.id, issued_until=max(issued_at, now)))
    governance.store.append([ended], actor=actor.id, at=now, credential=actor.credential)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class EndLogins(Command, may="manage_directory"):
    """End all logins of somebody; they have to log in again."""

    person: Annotated[str, Field(max_length=64, description="Their id."), argument("ID")]


def end_logins(governance: Governance, command: EndLogins) -> None:
    """End the logins of somebody else, such as one whose computer was lost."""
    case = begin(governance, command)
    governance.person(command.person)
    case.put("logged_out", Logout(person=command.person, issued_until=command.at))


TokenName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9\-]*$", max_length=40),
    Field(description="Its name, such as ci."),
    argument("TOKEN"),
]


class IssueToken(Command, may="issue_token"):
    """Issue a token for a program; its secret is shown once and kept nowhere.

    A service acts as itself, with what the build pipeline may. With --own it acts as you.
    """

    token: TokenName
    operations: Annotated[
        tuple[str, ...],
        Field(description="An operation that it may ask for; repeat for more.", max_length=100),
        option("--operation"),
    ] = ()
    initiatives: Annotated[
        tuple[str, ...],
        Field(description="An initiative that it is for; repeat for more, none for all.", max_length=1000),
        option("--initiative"),
    ] = ()
    days: Annotated[int, Field(ge=1, le=366, description="Days until it expires.")] = 90
    own: Annotated[bool, Field(description="It acts as you, not as a service."), option("--own")] = False


class RevokeToken(Command, may="issue_token"):
    """Revoke a token; it counts no more from now on."""

    token: TokenName
    note: Annotated[Words, Field(title="Why", description="Why, in a sentence; it stays on record.")] = ""


def issue_token(governance: Governance, command: IssueToken) -> str:
    """Issue a token and return its secret, of which only the digest is kept.

    Raises
    ------
    Forbidden
        A service's, by somebody who does not manage the directory; or asked for with a token that is
        limited itself.
    BadInput, Conflict
        There is no such operation, or a service's names none; the name was given before.
    """
    case = begin(governance, command)
    if command.actor.scope != Scope():
        raise Forbidden("a token that is limited issues no other", remedy="Log in to issue one.")
    if not command.own:
        case.rules.roles.require(command.actor, "manage_directory")
        if not command.operations:
            raise BadInput("a service's token names what it is for", remedy="Name its operations.")
    _require_known(case, command)
    person = case.actor if command.own else f"token:{command.token}"
    said, fact = _new(command.token, person, command.at, command.days)
    limited = replace(fact, operations=command.operations, initiatives=command.initiatives)
    case.put("token_issued", limited, first=True)
    return said


def _require_known(case: Case, command: IssueToken) -> None:
    """A misspelt name would be a token that opens nothing, or not what was meant."""
    from core.services.use_cases import every_use_case

    known = {one.name for one in every_use_case()}
    for operation in command.operations:
        if operation not in known:
            raise BadInput(f"'{operation[:40]}' is no operation", remedy=f"Use: {', '.join(sorted(known))}.")
    for initiative in command.initiatives:
        registered(case.governance, initiative, case.moment)


def _new(name: str, person: str, at: datetime, days: int) -> tuple[str, Token]:
    """What is shown once, and what is kept of it."""
    said = f"gp_{name}_{secrets.token_urlsafe(32)}"
    until = at + timedelta(days=days)
    kept = Token(
        token=name, person=person, sha256=_digest(said), operations=(), initiatives=(), expires_at=until
    )
    return said, kept


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


def revoke_token(governance: Governance, command: RevokeToken) -> None:
    """Let a token count no more: one's own, or any where one manages the directory."""
    case = begin(governance, command)
    known = latest(governance.store, Token, case.moment, token=command.token)
    if known is None:
        raise NotFound(f"there is no token '{command.token}'", remedy="'governance token list' shows them.")
    if known.person != case.actor:
        case.rules.roles.require(command.actor, "manage_directory")
    if known.state == "revoked":
        raise Conflict(f"token '{command.token}' is revoked already")
    case.put("token_revoked", replace(known, state="revoked", note=command.note))


@dataclass(frozen=True, kw_only=True)
class TokenLine(Signed):
    """A token as people read it: nothing of its secret. `state` says expired where its time is over."""

    token: str
    state: str
    person: str
    person_name: str
    operations: tuple[str, ...]
    initiatives: tuple[str, ...]
    expires_at: datetime
    note: str


def tokens(governance: Governance, moment: Moment) -> list[TokenLine]:
    """List the tokens, newest first: whose they are, what they are for, until when."""
    names = directory.names(governance.store, moment)
    return [
        TokenLine(
            actor_name=names[one.actor],
            token=one.token,
            state="expired" if one.state == "issued" and _utc(one.expires_at) <= moment.at else one.state,
            person=one.person,
            person_name=names[one.person],
            operations=one.operations,
            initiatives=one.initiatives,
            expires_at=one.expires_at,
            note=one.note,
        )
        for one in reversed(newest_of(history(governance.store, Token, moment)))
    ]


def by_token(governance: Governance, said: str, now: datetime) -> Actor:
    """Who acts with a token.

    Raises
    ------
    Unknown
        There is none such; it was revoked, or has expired.
    """
    name = said.removeprefix("gp_").partition("_")[0]
    known = latest(governance.store, Token, governance.present(now), token=name)
    if known is None or not compare_digest(known.sha256, _digest(said)):
        raise _needed()
    if known.state == "revoked" or _utc(known.expires_at) <= now:
        why = "was revoked" if known.state == "revoked" else "has expired"
        raise Unknown(f"token '{name}' {why}", where="Authorization", remedy="Have another issued.")
    scope = Scope(operations=known.operations, initiatives=known.initiatives)
    service = Actor(id=known.person, name=f"Service {name}", roles=PIPELINE.roles)
    is_service = known.person.startswith("token:")
    actor = service if is_service else directory.person(governance.store, known.person)
    if actor is None:
        raise Unknown(f"whoever had token '{name}' is here no more", where="Authorization")
    return _here(actor).model_copy(update={"credential": f"token {name}", "scope": scope})


def _needed() -> Unknown:
    return Unknown(
        "a valid bearer token is needed", where="Authorization", remedy="Send one of yours as Bearer."
    )


def by_owner(governance: Governance, wanted: str) -> Actor:
    """Who the owner of the store's files is: its founder; in the demo, whoever they want to be.

    Raises
    ------
    Forbidden
        They want to be somebody else, or the files are another account's.
    """
    if governance.demo:
        return acting_person(governance, wanted).model_copy(update={"credential": OWNER})
    founder = founder_of(governance)
    _require_own_files(governance.store.folder, founder)
    if wanted and wanted.casefold() not in (founder.id.casefold(), founder.name.casefold()):
        raise Forbidden(
            f"whoever owns the store's files is {founder.name}, and acts as nobody else",
            where=wanted[:60],
            remedy="Others log in, or act with a token of their own (GOVERNANCE_TOKEN).",
        )
    return _here(founder).model_copy(update={"credential": OWNER})


def founder_of(governance: Governance) -> Actor:
    """Who founded the store."""
    kind = store_kind(governance.store)
    if kind is None:
        raise NotFound("the store is empty", remedy="Found it with 'governance serve --empty'.")
    return directory.person(governance.store, kind.actor) or Actor(id=str(kind.actor), name=str(kind.actor))


def _require_own_files(folder: Path, founder: Actor) -> None:
    file = folder / DATABASE
    if file.exists() and file.stat().st_uid != os.getuid():
        raise Forbidden(
            f"the store's files belong to another account of this machine than yours, that of {founder.name}",
            where=str(folder),
            remedy="Log in, or act with a token of your own (GOVERNANCE_TOKEN).",
        )


def found_own(
    governance: Governance, config: Path, login: str, others: Mapping[str, tuple[str, ...]], at: datetime
) -> Mapping[str, str]:
    """Found a store of one's own, administered by whoever founds it, with the first others and their roles.

    Later, a role that signs is given by two people: so those who are to agree first are named here. Each gets
    a token, as nobody acts for them.

    Returns
    -------
    Mapping
        Id of each of the others -> their token, which is shown once.
    """
    founder = Actor(id=login, name=login, title="Local user", roles=("administrator",))
    people = [founder]
    for person, roles in others.items():
        if not _person_id(person) == person != login:
            raise BadInput(f"'{person[:40]}' is no id of somebody else", remedy="Write it like ada.lovelace.")
        require_roles(governance.rules(governance.present(at)).roles, roles)
        people.append(Actor(id=person, name=person, roles=roles))
    made = {one.id: _new(f"first-{one.id.replace('.', '-')}"[:40], one.id, at, 366) for one in people[1:]}
    issued = [(entry_of("token_issued", token), None) for _, token in made.values()]
    first = [*map(introduced, people), *issued]
    found_store(governance, config, founder, at, demo=False, first=first, credential=OWNER)
    return {person: said for person, (said, _) in made.items()}


Speaker = Callable[[str], Actor]
"""Name that a request asks for -> who acts; refuses where the credential is somebody else's."""


@dataclass(frozen=True)
class Door:
    """Who may ask over HTTP: the owner of the store's files, tokens, and whom the provider vouches for."""

    governance: Governance
    secret: str
    provider: Provider | None = None

    def speaker(self, authorization: str, now: datetime) -> Speaker:
        """Who speaks with an `Authorization` header.

        Raises
        ------
        Unknown
            It holds no credential that counts.
        """
        scheme, _, said = authorization.partition(" ")
        if scheme != "Bearer" or not said or len(said) > _MOST_TOKEN:
            raise _needed()
        if compare_digest(said.encode(), self.secret.encode()):
            return lambda wanted: by_owner(self.governance, wanted)
        if said.startswith("gp_"):
            return _as(by_token(self.governance, said, now))
        if self.provider is None:
            raise _needed()
        claims = claims_of(self.provider, self.provider.verified(said, now))
        return _as(admitted(self.governance, claims, now, BEARER))


def _as(actor: Actor) -> Speaker:
    def speaks(wanted: str) -> Actor:
        if wanted and wanted.casefold() not in (actor.id.casefold(), actor.name.casefold()):
            raise Forbidden(
                f"the token is {actor.name}'s and nobody else's",
                where=wanted[:60],
                remedy="Leave the name out.",
            )
        return actor

    return speaks
