"""Commands on frameworks, rights, ALCOA grades and the ethical position."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.connectors.settings import read_settings
from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import rules as reports
from core.entrypoints.reports.printing import say, show_json

ethics = typer.Typer(help="The ethical position: answers, transparency, limits.")
rights = typer.Typer(help="The rights of people whose data is used.")

EthicsFile = Annotated[Path, typer.Argument(help="The file of the position.")]
Right = Annotated[str, typer.Argument(help="The right, as 'governance rights show' lists it.")]
OneInitiative = Annotated[str, typer.Option("--initiative", help="Only this initiative.", metavar="ID")]


def frameworks(
    context: typer.Context,
    initiative: OneInitiative = "",
    framework: Annotated[str, typer.Option("--framework", help="Clause by clause.", metavar="ID")] = "",
    clause: Annotated[
        str, typer.Option("--clause", help="Down to the proofs; with --framework.", metavar="ID")
    ] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Coverage of laws, guidance and standards: all, one framework, one clause, or one initiative."""
    values: dict[str, Any] = {"as_of": as_of}
    if clause and not framework:
        raise BadInput("a clause belongs to a framework", where="--clause", remedy="Give --framework too.")
    if framework and initiative and not clause:
        raise BadInput(
            "one initiative is shown with all its frameworks",
            where="--framework",
            remedy="Leave one of the two out, or add --clause.",
        )
    if clause:
        values |= {"framework": framework, "clause": clause, "initiative": initiative}
        name, show = "clause_proofs", reports.show_proofs
    elif framework:
        values |= {"framework": framework}
        name, show = "show_framework", reports.show_framework
    elif initiative:
        values |= {"initiative": initiative}
        name, show = "initiative_frameworks", reports.show_initiative_frameworks
    else:
        name, show = "list_frameworks", reports.show_frameworks
    options.report(context, name, values, show, store=store, person=person, as_json=as_json)


def regions(
    context: typer.Context,
    initiative: Initiative,
    region: Annotated[list[str], typer.Argument(help="Regions, such as eu uk.", metavar="REGION...")],
    reason: Annotated[str, typer.Option("--reason", help="How one knows.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Say where the people live whom an initiative concerns; which laws apply follows from it."""

    def told(result: Any) -> None:
        say(f"{result['initiative']} concerns people in {', '.join(result['regions'])}.")

    values = {"initiative": initiative, "regions": region, "reason": reason}
    options.report(context, "record_regions", values, told, store=store, person=person, as_json=as_json)


def alcoa(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Grade the evidence of an initiative: attributable, legible, contemporaneous, original, accurate."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context, "grade_evidence", values, reports.show_grades, store=store, person=person, as_json=as_json
    )


@rights.command("show")
def show_rights(
    context: typer.Context,
    initiative: Annotated[str, typer.Argument(help="One initiative; none lists all.")] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show how each right is answered at an initiative, or where rights are open."""
    values = {"as_of": as_of} | ({"initiative": initiative} if initiative else {})
    name = "rights_checklist" if initiative else "rights_overview"
    show = reports.show_rights if initiative else reports.show_rights_overview
    options.report(context, name, values, show, store=store, person=person, as_json=as_json)


@rights.command("settle")
def settle(
    context: typer.Context,
    initiative: Initiative,
    right: Right,
    how: Annotated[str, typer.Option("--how", help="How it is answered, in a sentence or two.")],
    within_days: Annotated[int, typer.Option("--days", help="Days within which an answer is given.")],
    who: Annotated[
        str, typer.Option("--who", help="Id of the person who answers; yourself if left out.")
    ] = "",
    ready_on: Annotated[str, typer.Option("--from", help="Day from which it works.", metavar="DAY")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Say who answers a right, how, and within how many days."""

    def told(result: Any) -> None:
        say(
            f"The right '{result['right']}' of {result['initiative']} is answered by {result['answered_by']}."
        )

    values = {
        "initiative": initiative,
        "right": right,
        "answered_by": who,
        "how": how,
        "within_days": within_days,
        **({"ready_on": ready_on} if ready_on else {}),
    }
    options.report(context, "settle_right", values, told, store=store, person=person, as_json=as_json)


@rights.command("exclude")
def exclude(
    context: typer.Context,
    initiative: Initiative,
    right: Right,
    reason: Annotated[str, typer.Option("--reason", help="Why nobody can ask for it here.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Say why nobody can ask for a right at an initiative."""

    def told(result: Any) -> None:
        say(f"The right '{result['right']}' does not apply to {result['initiative']}, as recorded.")

    values = {"initiative": initiative, "right": right, "reason": reason}
    options.report(context, "exclude_right", values, told, store=store, person=person, as_json=as_json)


@ethics.command("check")
def check_ethics(file: EthicsFile, as_json: Json = False) -> None:
    """Check a position against the policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_roles
    from core.connectors.ethics_file import read_ethics
    from core.connectors.policy_file import read_policy

    config = read_settings().config
    policy, _ = read_policy(config / "policy.yaml", read_roles(config / "roles.yaml"))
    found, _ = read_ethics(file, policy)
    if as_json:
        show_json({"version": found.version, "title": found.title, "domains": len(found.domains)})
    else:
        levels = len(found.transparency.levels)
        say(
            f"{file} is sound: version {found.version}, all five questions answered, "
            f"{levels} levels of transparency, limits for {len(found.domains)} domains."
        )


@ethics.command("publish")
def publish(
    context: typer.Context,
    file: EthicsFile,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put an ethical position in force; a wrong one is refused and the old one stays."""

    def told(result: Any) -> None:
        say(f"Ethical position {result['version']} is in force.")

    from core.connectors.yaml_lines import read_text

    values = {"text": read_text(file, str(file)), "name": file.name}
    options.report(context, "publish_ethics", values, told, store=store, person=person, as_json=as_json)


@ethics.command("show")
def show_ethics(
    context: typer.Context,
    initiative: OneInitiative = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show the position in force, its versions, and what it demands of an initiative."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context, "show_ethics", values, reports.show_ethics, store=store, person=person, as_json=as_json
    )
