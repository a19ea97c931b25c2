"""Commands on the process: signatures, delegations, findings, waivers, and pulling a model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import process as reports
from core.entrypoints.reports.printing import say

sign_off = typer.Typer(help="Signatures at the gates.")
delegation = typer.Typer(help="Signing in somebody's place.")
finding = typer.Typer(help="Findings: raised, mended, verified.")
waiver = typer.Typer(help="Waivers: requirements that are lifted for a while.")

Gate = Annotated[str, typer.Option("--gate", help="The gate, such as deployment.")]
Role = Annotated[str, typer.Option("--role", help="The role in which you answer, such as risk_audit.")]
Behalf = Annotated[str, typer.Option("--for", help="Who delegated the signature; empty for yourself.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stays on record.")]
Until = Annotated[str, typer.Option("--until", help="Last day, such as 2026-03-31.", metavar="DAY")]
FindingName = Annotated[str, typer.Argument(metavar="FINDING", help="Its name, such as F1.")]
WaiverName = Annotated[str, typer.Argument(metavar="WAIVER", help="Its name, such as W1.")]
Note = Annotated[str, typer.Option("--note", help="What was done or seen; it stays on record.")]


@sign_off.command("show")
def show(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show who signed at each gate, who is awaited, and what has changed since."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context,
        "show_sign_offs",
        values,
        reports.show_sign_offs,
        store=store,
        person=person,
        as_json=as_json,
    )


@sign_off.command("request")
def request(
    context: typer.Context,
    initiative: Initiative,
    gate: Gate,
    note: Annotated[str, typer.Option("--note", help="What those who sign should know.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Ask for the signatures of a gate."""
    values = {"initiative": initiative, "gate": gate, "note": note}
    _run(
        context,
        "request_sign_off",
        values,
        f"The signatures at {gate} are asked for.",
        store,
        person,
        as_json,
    )


@sign_off.command("feedback")
def feedback(
    context: typer.Context,
    initiative: Initiative,
    gate: Gate,
    role: Role,
    outcome: Annotated[
        str, typer.Option("--outcome", help="approved, minor_issue or major_issue.")
    ] = "approved",
    reason: Why = "",
    behalf: Behalf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Give feedback before the decision."""
    values = _answer(initiative, gate, role, outcome, reason, behalf)
    _run(context, "give_feedback", values, "The feedback is on record.", store, person, as_json)


@sign_off.command("answer")
def answer(
    context: typer.Context,
    initiative: Initiative,
    gate: Gate,
    role: Role,
    outcome: Annotated[str, typer.Option("--outcome", help="approved, rejected or abandoned.")],
    reason: Why = "",
    behalf: Behalf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Approve, reject or abandon; an approval is bound to the version, the evidence and the policy."""
    values = _answer(initiative, gate, role, outcome, reason, behalf)

    def told(result: Any) -> None:
        say(f"Signed: {outcome}. The sign-off is {str(result['status']).replace('_', ' ')}.")

    options.report(context, "sign_gate", values, told, store=store, person=person, as_json=as_json)


@sign_off.command("withdraw")
def withdraw(
    context: typer.Context,
    initiative: Initiative,
    gate: Gate,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take your own answer back; it stays on record."""
    values = {"initiative": initiative, "gate": gate, "reason": reason}
    _run(context, "withdraw_signature", values, "Your answer is withdrawn.", store, person, as_json)


@delegation.command("give")
def give_delegation(
    context: typer.Context,
    delegate: Annotated[str, typer.Argument(help="Who may sign in your place.")],
    role: Role,
    until: Until,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Let somebody sign in your place, through a last day."""
    values = {"delegate": delegate, "role": role, "until": until, "reason": reason}
    _run(context, "delegate_sign_off", values, f"{delegate} may sign until {until}.", store, person, as_json)


@delegation.command("end")
def end_delegation(
    context: typer.Context,
    delegate: Annotated[str, typer.Argument(help="Who may not sign in your place any more.")],
    role: Role,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """End a delegation before its last day."""
    values = {"delegate": delegate, "role": role}
    _run(context, "end_delegation", values, "The delegation has ended.", store, person, as_json)


@delegation.command("list")
def list_delegations(
    context: typer.Context,
    whose: Annotated[str, typer.Option("--person", help="Given by or to whom; empty lists all.")] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the delegations that hold."""
    values = {"person": whose, "as_of": as_of}
    options.report(
        context,
        "list_delegations",
        values,
        reports.show_delegations,
        store=store,
        person=person,
        as_json=as_json,
    )


@finding.command("raise")
def raise_finding(
    context: typer.Context,
    initiative: Initiative,
    title: Annotated[str, typer.Option("--title", help="What is wrong.")],
    severity: Annotated[str, typer.Option("--severity", help="blocker, major or minor.")],
    step: Annotated[str, typer.Option("--step", help="Process step it belongs to.")],
    due_on: Annotated[str, typer.Option("--due", help="Day by which it is mended.", metavar="DAY")],
    detail: Annotated[str, typer.Option("--detail", help="More words.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who mends it; the initiative's owner.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put a finding on record; all but minor ones keep the gates of their step shut."""
    values = {
        "initiative": initiative,
        "title": title,
        "detail": detail,
        "severity": severity,
        "step": step,
        "owner": owner,
        "due_on": due_on,
    }

    def told(result: Any) -> None:
        say(f"Finding {result['finding']} is on record.")

    options.report(context, "raise_finding", values, told, store=store, person=person, as_json=as_json)


@finding.command("resolve")
def resolve_finding(
    context: typer.Context,
    initiative: Initiative,
    name: FindingName,
    note: Note,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Say that a finding is mended; somebody else verifies it."""
    values = {"initiative": initiative, "finding": name, "note": note}
    _run(context, "resolve_finding", values, f"{name} waits to be verified.", store, person, as_json)


@finding.command("verify")
def verify_finding(
    context: typer.Context,
    initiative: Initiative,
    name: FindingName,
    note: Note,
    reopen: Annotated[bool, typer.Option("--reopen", help="It is not mended: open it again.")] = False,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Close a finding that somebody else mended, or open it again."""
    values = {"initiative": initiative, "finding": name, "note": note, "mended": not reopen}
    said = f"{name} is {'open again' if reopen else 'closed'}."
    _run(context, "verify_finding", values, said, store, person, as_json)


@finding.command("list")
def list_findings(
    context: typer.Context,
    initiative: Annotated[str, typer.Argument(help="An initiative; empty lists all.")] = "",
    team: Annotated[str, typer.Option("--team", help="A team's alone.")] = "",
    open_only: Annotated[bool, typer.Option("--open", help="Without those that are closed.")] = False,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List findings, the most severe first."""
    values = {"initiative": initiative, "team": team, "open_only": open_only, "as_of": as_of}
    options.report(
        context, "list_findings", values, reports.show_findings, store=store, person=person, as_json=as_json
    )


@waiver.command("request")
def request_waiver(
    context: typer.Context,
    initiative: Initiative,
    measure: Annotated[str, typer.Option("--measure", help="The measure's id.")],
    reason: Why,
    compensation: Annotated[str, typer.Option("--meanwhile", help="What is done meanwhile.")],
    until: Until,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Ask that a requirement be waived for a while."""
    values = {
        "initiative": initiative,
        "measure": measure,
        "reason": reason,
        "compensation": compensation,
        "until": until,
    }

    def told(result: Any) -> None:
        say(f"Waiver {result['waiver']} is asked for.")

    options.report(context, "request_waiver", values, told, store=store, person=person, as_json=as_json)


@waiver.command("decide")
def decide_waiver(
    context: typer.Context,
    initiative: Initiative,
    name: WaiverName,
    outcome: Annotated[str, typer.Option("--outcome", help="granted or refused.")],
    note: Note,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Grant or refuse a waiver; the rank that may depends on the class."""
    values = {"initiative": initiative, "waiver": name, "outcome": outcome, "note": note}
    _run(context, "decide_waiver", values, f"{name} is {outcome}.", store, person, as_json)


@waiver.command("withdraw")
def withdraw_waiver(
    context: typer.Context,
    initiative: Initiative,
    name: WaiverName,
    note: Note,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take a waiver back."""
    values = {"initiative": initiative, "waiver": name, "note": note}
    _run(context, "withdraw_waiver", values, f"{name} is withdrawn.", store, person, as_json)


@waiver.command("list")
def list_waivers(
    context: typer.Context,
    initiative: Annotated[str, typer.Argument(help="An initiative; empty lists all.")] = "",
    team: Annotated[str, typer.Option("--team", help="A team's alone.")] = "",
    standing_only: Annotated[
        bool, typer.Option("--standing", help="Those that hold or are asked for.")
    ] = False,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List waivers, newest first."""
    values = {"initiative": initiative, "team": team, "standing_only": standing_only, "as_of": as_of}
    options.report(
        context, "list_waivers", values, reports.show_waivers, store=store, person=person, as_json=as_json
    )


def pull(
    context: typer.Context,
    initiative: Initiative,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take a model out of production at once."""
    values = {"initiative": initiative, "reason": reason}
    _run(context, "pull_model", values, f"{initiative} is pulled out of production.", store, person, as_json)


def _answer(initiative: str, gate: str, role: str, outcome: str, reason: str, behalf: str) -> dict[str, str]:
    return {
        "initiative": initiative,
        "gate": gate,
        "role": role,
        "outcome": outcome,
        "reason": reason,
        "on_behalf_of": behalf,
    }


def _run(
    context: typer.Context,
    name: str,
    values: dict[str, Any],
    said: str,
    store: Any,
    person: Any,
    as_json: bool,
) -> None:
    options.report(context, name, values, lambda _: say(said), store=store, person=person, as_json=as_json)
