"""Who acts, and what each role may do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Literal, get_args

from pydantic import Field, model_validator

from core.domain.errors import Forbidden, refusal
from core.ground import Checked


class Scope(Checked):
    """What a token may be used for: operations and initiatives by name; none named is no limit."""

    operations: tuple[str, ...] = ()
    initiatives: tuple[str, ...] = ()


class Actor(Checked):
    """A person or a pipeline that gives commands.

    `id`, team and roles are what the record keeps; name and title stand beside it. `credential` says by what
    they were known this time, which the record keeps too; `scope` limits what it lets them do. Whoever has
    left has no roles.
    """

    id: str
    name: str
    team: str = ""
    title: str = ""
    roles: tuple[str, ...] = ()
    credential: str = Field("", exclude=True)
    scope: Scope = Field(Scope(), exclude=True)
    left_on: date | None = Field(None, exclude=True)

    @property
    def called(self) -> str:
        """Their name as people read it, with the day on which they left."""
        return f"{self.name} (left on {self.left_on})" if self.left_on else self.name

    def require_scope(self, operation: str, initiative: object) -> None:
        """Let an operation on an initiative pass, or say what the token is for."""
        for kind, asked, known in (
            ("operations", operation, self.scope.operations),
            ("initiatives", initiative, self.scope.initiatives),
        ):
            if known and asked not in known:
                raise Forbidden(
                    f"{self.credential or self.name} is for the {kind} {', '.join(known)} alone",
                    where=str(asked or operation)[:80],
                    remedy="Use another, or have one issued for this.",
                )


class Role(Checked):
    """A column of the responsibility matrix (Figure 8-4) and the actions it may take.

    `on` says on whose initiatives: those that somebody has a tie to (owns, builds, shares the team of, was
    given work on), or all. `groups` are those of the identity provider whose members have it; a role that
    names some is given by the provider alone.
    """

    id: str
    title: str
    groups: tuple[str, ...] = ()
    on: Literal["own", "all"] = "own"
    may: tuple[str, ...]


ACTIONS: dict[str, str] = {
    "read_initiatives": "read what is on record of initiatives",
    "read_small_groups": "read figures of groups under the minimum size",
    "read_figures": "read the figures of governance",
    "read_rules": "read the rules",
    "read_people": "read who does what",
    "read_record": "read the record",
    "register_initiative": "register an initiative",
    "register_model_version": "register a model version",
    "promote_version": "put a version forward",
    "deploy_version": "put a version into production",
    "retire_version": "retire a model version",
    "record_lineage": "record data and its use",
    "mark_data": "mark data as bad or clear it",
    "write_document": "write in a model card or technical file",
    "submit_evidence": "submit evidence",
    "run_checks": "run checks",
    "decide_gate": "ask for a gate decision",
    "override_classification": "override a classification",
    "confirm_class": "confirm a class",
    "retire_initiative": "retire a use case or take it up again",
    "request_sign_off": "ask for a sign-off",
    "give_feedback": "give feedback on a sign-off",
    "sign_gate": "sign at a gate",
    "delegate_sign_off": "delegate signatures",
    "raise_finding": "raise a finding",
    "resolve_finding": "say that a finding is mended",
    "verify_finding": "verify that a finding is mended",
    "request_waiver": "ask for a waiver",
    "decide_waiver": "grant or refuse a waiver",
    "pull_model": "pull a model out of production",
    "declare_emergency": "act alone in an emergency",
    "add_predictions": "add prediction batches",
    "refresh_monitoring": "refresh monitoring estimates",
    "explain_model": "explain a model",
    "define_business_kpi": "set a business KPI",
    "observe_business_kpi": "record what a business KPI achieved",
    "draft_policy": "draft a policy",
    "review_policy": "review a policy",
    "publish_policy": "publish a policy",
    "publish_ethics": "publish an ethical position",
    "propose_configuration": "propose a file of the configuration",
    "answer_proposal": "agree to what somebody proposed, or decline it",
    "withdraw_proposal": "take back a proposal",
    "settle_right": "say how a data subject's right is answered",
    "record_regions": "say where the people concerned live",
    "manage_directory": "change the directory of people",
    "issue_token": "issue a token",
    "sign_checkpoint": "sign a checkpoint of the record",
    "export_audit_pack": "export an audit pack",
    "purge_evidence": "have an evidence file forgotten",
    "assign_task": "give a task to somebody",
    "offer_hand_off": "hand work over",
    "answer_hand_off": "accept or return work",
    "write_comment": "comment on an initiative",
    "attest_training": "attest a training",
}
"""Every permission: of commands, and of questions first; a test holds the table of use cases equal to it."""
READS = tuple(action for action in ACTIONS if action.startswith("read_"))


Reading = Literal["open", "unit", "restricted"]
"""Who may read an initiative beside those who have a tie to it and roles that work on all: everybody with a
role, people of its unit and of those above it, or nobody."""
READINGS: tuple[Reading, ...] = get_args(Reading)


class Unit(Checked):
    """A part of the organisation: its teams, what it belongs to, and who leads it, by id."""

    id: str
    title: str
    within: str = ""
    country: str = ""
    teams: tuple[str, ...] = ()
    lead: str = ""


class Organisation(Checked):
    """The tree of units, from `config/organisation.yaml`, and how initiatives of a domain may be read."""

    units: tuple[Unit, ...] = ()
    reading: dict[str, Reading] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_a_tree(self) -> Organisation:
        above: dict[str, str] = {}
        teams: set[str] = set()
        for place, unit in enumerate(self.units):
            where = ("units", place)
            if unit.id in above:
                raise refusal((*where, "id"), f"unit '{unit.id}' is listed twice", "Keep one of them.")
            if unit.within and unit.within not in above:
                raise refusal(
                    (*where, "within"), f"no unit '{unit.within}' stands above", "List it before this one."
                )
            for team in unit.teams:
                if team in teams:
                    raise refusal((*where, "teams"), f"team '{team}' is in two units", "Keep one of them.")
            above[unit.id] = unit.within
            teams |= set(unit.teams)
        return self

    def reading_of(self, domain: str, own: str) -> Reading:
        """How an initiative may be read: as its domain says, or stricter where it says so itself."""
        said = [self.reading.get(domain, "open"), *(one for one in READINGS if one == own)]
        return max(said, key=READINGS.index)

    def units_of(self, team: str) -> tuple[Unit, ...]:
        """The unit of a team and those above it, the nearest first."""
        found, sought = [], next((unit.id for unit in self.units if team in unit.teams), "")
        for unit in reversed(self.units):
            if unit.id == sought:
                found.append(unit)
                sought = unit.within
        return tuple(found)

    def is_of_unit(self, reader: str, team: str) -> bool:
        """Whether the unit of a reader's team is that of a team, or stands above it."""
        own = self.units_of(reader)[:1]
        return bool(own) and own[0] in self.units_of(team)

    def lead_of(self, team: str) -> str:
        """Id of who leads the unit of a team, or the nearest above that says so; empty for nobody."""
        return next((unit.lead for unit in self.units_of(team) if unit.lead), "")


class Roles(Checked):
    """All roles, from `config/roles.yaml`."""

    roles: tuple[Role, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_actions(self) -> Roles:
        seen: set[str] = set()
        for place, role in enumerate(self.roles):
            if role.id in seen:
                raise refusal(
                    ("roles", place, "id"), f"role '{role.id}' is listed twice", "Keep one of them."
                )
            seen.add(role.id)
            for i, action in enumerate(role.may):
                if action not in ACTIONS:
                    what = f"'{action}' is no known action"
                    raise refusal(("roles", place, "may", i), what, f"Use one of: {', '.join(ACTIONS)}.")
        return self

    def title(self, role_id: str) -> str:
        """Name of a role as people read it."""
        return next((role.title for role in self.roles if role.id == role_id), role_id)

    def allowed_roles(self, action: str) -> tuple[str, ...]:
        """Ids of the roles that may take `action`, in the file's order."""
        return tuple(role.id for role in self.roles if self._lets(role, action))

    def _lets(self, role: Role, action: str) -> bool:
        """A file from before reading was asked for says nothing of it: there every role reads."""
        if action not in READS or any(one in READS for known in self.roles for one in known.may):
            return action in role.may
        return True

    def on_all(self, actor: Actor, action: str) -> bool:
        """Whether a role of the actor lets them take `action` on every initiative, not only on their own."""
        return any(
            role.on == "all" and self._lets(role, action) for role in self.roles if role.id in actor.roles
        )

    def may(self, actor: Actor, action: str) -> bool:
        """Whether a role of the actor lets them take `action`."""
        return bool(set(actor.roles) & set(self.allowed_roles(action)))

    def as_grouped(self, held: Iterable[str], groups: Collection[str]) -> tuple[str, ...]:
        """The roles of somebody who held some and is in these groups of the provider, in the file's order."""
        return tuple(
            role.id
            for role in self.roles
            if (any(group in groups for group in role.groups) if role.groups else role.id in held)
        )

    def require(self, actor: Actor, action: str) -> None:
        """Let `actor` pass, or say who may."""
        allowed = self.allowed_roles(action)
        if not self.may(actor, action):
            asked = allowed if actor.roles else self.allowed_roles("manage_directory")
            titles = ", ".join(self.title(role) for role in asked) or "nobody"
            raise Forbidden(
                f"{actor.name or actor.id} may not {ACTIONS.get(action, action)}",
                remedy=f"Ask one of these roles: {titles}."
                if actor.roles
                else f"No role is given to {actor.name or actor.id} yet; these roles give one: {titles}.",
            )
