"""Commands that do more than ask one use case: they put questions, and read or write files."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.connectors.settings import read_settings
from core.domain.errors import BadInput, GovernanceError, NotFound
from core.entrypoints.client import Asker, AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.reports import process as reports
from core.entrypoints.reports.printing import clean, complain, say, show_json
from core.ground import Result
from core.services.use_case import Values

OPEN, BLOCKED, BROKEN = 0, 1, 2


def decide(
    context: typer.Context,
    initiative: Initiative,
    gate: Annotated[str, typer.Option("--gate", help="The gate, such as deployment.")],
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Ask whether a gate is open: exit code 0 open, 1 blocked, 2 could not be decided.

    The answer goes on record; with --as-of nothing is recorded.
    """
    values = {"initiative": initiative, "gate": gate} | ({"as_of": as_of} if as_of else {})
    name = "ask_gate" if as_of else "decide_gate"
    try:
        asker = Asker(context, store, person, as_json)
        result = asker.report(name, values, reports.show_decision)
        outcome, decided = result["outcome"], result["decided"]
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # any doubt closes the gate
        _shut(error, as_json=as_json)
        raise typer.Exit(BROKEN) from error
    if not decided:
        raise typer.Exit(BROKEN)
    raise typer.Exit(OPEN if outcome == "open" else BLOCKED)


def _shut(error: Exception, *, as_json: bool) -> None:
    problem = error if isinstance(error, GovernanceError) else unexpected(error)
    if as_json:
        parts = {"what": problem.what, "where": problem.where, "remedy": problem.remedy}
        show_json({"outcome": "blocked", "decided": False, "error": parts})
    else:
        say("blocked: the gate could not be decided")
    complain(f"governance: {problem}")


def unexpected(error: BaseException) -> GovernanceError:
    """One sentence for an error that nobody foresaw."""
    return GovernanceError(
        f"something went wrong that should not: {type(error).__name__}: {clean(error)[:200]}",
        remedy="Please report this with the command you gave.",
    )


def checkpoint(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; otherwise it is printed.", metavar="FILE")
    ] = None,
    store: Store = None,
    person: Person = None,
) -> None:
    """Sign how far the record has come. Keep it away from the store: 'verify --checkpoint' needs it."""
    if out is not None and out.exists():
        raise BadInput("the file is there already", where=str(out), remedy="Name another one.")
    with Asker(context, store, person).reach() as caller:
        result = caller.call("sign_checkpoint", {})
    if out is None:
        show_json(result)
        return
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    say(f"Signed at entry {result['seq']:,}: {out}.")


def audit_pack(
    context: typer.Context,
    initiative: Annotated[str, typer.Argument(help="The initiative's id, or 'all'.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder or zip file to write.", metavar="PATH")
    ] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="Write one zip file.")] = False,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Write all that the record holds of an initiative into a folder that anybody can verify."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", f"audit-pack-{initiative}{f'-{as_of}' if as_of else ''}")
    target = out or Path(f"{name}.zip" if zipped else name)
    zipped = zipped or target.suffix == ".zip"
    if target.exists():
        raise BadInput(
            "there is something of this name already", where=str(target), remedy="Use another --out."
        )
    values = {"initiative": initiative, "as_of": as_of, "zipped": zipped}
    asker = Asker(context, store, person, as_json)
    with asker.reach() as caller:
        result = caller.call("export_audit_pack", values)
    made = asker.settings.store / result["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, target)
    result = {**result, "path": str(target)}
    if as_json:
        show_json(result)
        return
    say(
        f"{target}: {result['files']:,} files, {result['bytes'] / 1e6:,.1f} MB, "
        f"up to entry {result['seq']:,} of the record."
    )
    say(f"Signed with key {result['key']}; sha256 of its manifest: {result['manifest_sha256']}.")
    say("Tell the auditor the key by another way than the pack; 'python3 -I verify.py --key KEY' demands it.")


def verify_pack(
    path: Annotated[Path, typer.Argument(help="The pack: a folder or a zip file.")],
    key: Annotated[str, typer.Option("--key", help="Key that it must have been signed with.")] = "",
    as_json: Json = False,
) -> None:
    """Verify an audit pack with this program's own verifier; exit code 1 names the first wrong thing."""
    from core.connectors.pack_files import check_pack
    from core.connectors.pack_verifier import Wrong

    if not path.exists():
        raise NotFound("there is no pack", where=str(path), remedy="Name its folder or its zip file.")
    try:
        found, problem = check_pack(path, key), ""
    except Wrong as error:
        found, problem = [], str(error)
    if as_json:
        show_json({"whole": not problem, "problem": problem, "verified": found})
    for sentence in found if not as_json else ():
        say(sentence)
    if problem:
        complain(f"The pack is broken: {problem}.")
        raise typer.Exit(1)


def check_policy(
    file: Annotated[Path, typer.Argument(help="The policy file.")], as_json: Json = False
) -> None:
    """Check a policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_config, read_policy
    from core.domain.actors import Roles

    found, _ = read_policy(file, read_config(read_settings().config / "roles.yaml", Roles))
    if as_json:
        show_json({"version": found.version, "title": found.title, "measures": len(found.measures)})
    else:
        say(
            f"{file} is sound: version {found.version}, {len(found.questions)} questions, "
            f"{len(found.classes)} classes, {len(found.measures)} measures, {len(found.gates)} gates."
        )


def policy_schema() -> None:
    """Print the JSON Schema of a policy file, for editors."""
    from core.connectors.config_files import policy_schema

    show_json(policy_schema())


def check_ethics(
    file: Annotated[Path, typer.Argument(help="The file of the position.")], as_json: Json = False
) -> None:
    """Check a position against the policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_config, read_ethics, read_policy
    from core.domain.actors import Roles

    config = read_settings().config
    policy, _ = read_policy(config / "policy.yaml", read_config(config / "roles.yaml", Roles))
    found, _ = read_ethics(file, policy)
    if as_json:
        show_json({"version": found.version, "title": found.title, "domains": len(found.domains)})
    else:
        levels = len(found.transparency.levels)
        say(
            f"{file} is sound: version {found.version}, all five questions answered, "
            f"{levels} levels of transparency, limits for {len(found.domains)} domains."
        )


def document(
    context: typer.Context,
    initiative: Initiative,
    kind: Annotated[str, typer.Option("--kind", help="card or technical.")] = "card",
    form: Annotated[str, typer.Option("--format", help="html or md.")] = "md",
    version: Version = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="File or folder to write to; else it is printed.")
    ] = None,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Write a model card or technical file from the record."""
    values = {"initiative": initiative, "kind": kind, "form": form, "version": version, "as_of": as_of}
    with Asker(context, store, person).reach() as caller:
        result = caller.call("write_document", values)
    if out is not None:
        place = out / result["file_name"] if out.is_dir() else out
        _write(place, result["content"])
        said = f"{result['title']} is written to {place}; {len(result['missing'])} things are missing."
        show_json({**result, "written_to": str(place)}) if as_json else say(said)
    elif as_json:
        show_json(result)
    else:
        sys.stdout.write(result["content"])


def _write(place: Path, content: str) -> None:
    try:
        place.write_text(content, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the document cannot be written: {error.strerror}",
            where=str(place),
            remedy="Name another place.",
        ) from error


def register(asker: Asker, given: Values) -> None:
    """Register an initiative; on a terminal the questions are asked one by one."""
    given = {name: value for name, value in given.items() if value}
    with asker.reach() as caller:
        asked = caller.call("list_questions", {})
        if not given.get("answers"):
            if not _on_terminal():
                raise _unanswered(asked["questions"])
            given = _interview(given, asked)
        given = {"team": asked["actor"]["team"]} | given
        _require_named(given)
        result = caller.call("register_initiative", given)
    if asker.as_json:
        show_json(result)
    else:
        reports.show_registered(result)


def _require_named(given: Values) -> None:
    lacking = [f"--{field}" for field in ("name", "purpose", "team") if not str(given.get(field, "")).strip()]
    if lacking:
        raise BadInput(f"{' and '.join(lacking)} must be given", where="register", remedy="Say what it is.")


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _unanswered(questions: Sequence[Result]) -> BadInput:
    lines = [
        f"  --answer {question['id']}={'|'.join(option['id'] for option in question['options'])}"
        + (" (may be repeated)" if question["kind"] == "many" else "")
        for question in questions
    ]
    return BadInput(
        f"the {len(questions)} questions are not answered. Give an answer to each:\n" + "\n".join(lines)
    )


def _interview(given: Values, asked: Result) -> Values:
    told = dict(given)
    for field, question in (("name", "What is it called?"), ("purpose", "What is it for?")):
        if not told.get(field):
            told[field] = str(typer.prompt(question, err=True))
    if not told.get("team") and not asked["actor"]["team"]:
        told["team"] = str(typer.prompt("Which team does it belong to?", err=True))
    if not told.get("kind") and asked["kinds"]:
        told["kind"] = _kind(asked["kinds"])
    return {**told, "answers": {question["id"]: _answer(question) for question in asked["questions"]}}


def _kind(kinds: Sequence[Result]) -> str:
    """Ask for the kind of model in one question, and what it has beside."""
    plain = [
        {"id": one["id"], "label": f"{one['title']}: {one['description']}"}
        for one in kinds
        if not one["trait"]
    ]
    question = {
        "text": "What kind of model is it?",
        "help": "What it is made of decides how things are proved.",
    }
    chosen = _answer({**question, "kind": "one", "options": plain})
    traits = (one for one in kinds if one["trait"])
    return "+".join(
        [
            *chosen,
            *(
                one["id"]
                for one in traits
                if typer.confirm(f"{one['title']}? {one['description']}", err=True)
            ),
        ]
    )


def _answer(question: Result) -> tuple[str, ...]:
    found = question["options"]
    complain(f"\n{question['text']}\n  {question['help']}")
    for number, option in enumerate(found, start=1):
        complain(f"  {number}. {option['label']}")
    many = question["kind"] == "many"
    hint = "Numbers, parted by commas" if many else "Number"
    while True:
        numbers = [part.strip() for part in str(typer.prompt(hint, err=True)).split(",") if part.strip()]
        fits = all(part.isdecimal() and 1 <= int(part) <= len(found) for part in numbers)
        if numbers and fits and (many or len(numbers) == 1):
            return tuple(dict.fromkeys(str(found[int(part) - 1]["id"]) for part in numbers))
        complain(f"  Give {'one or more numbers' if many else 'one number'} from 1 to {len(found)}.")
