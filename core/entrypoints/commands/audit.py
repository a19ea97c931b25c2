"""Commands of auditors: verify, checkpoint, replay, audit packs, and forgetting evidence on purpose."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain.errors import BadInput, NotFound
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports.printing import complain, minute, say, show_json, show_table, words

Result = dict[str, Any]


def verify(
    context: typer.Context,
    against: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            help="A checkpoint file: shows also a record whose end was cut off.",
            metavar="FILE",
        ),
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Recompute the whole record; exit code 1 names the first broken entry."""
    values = {"checkpoint": _text(against) if against else ""}
    result = options.report(
        context, "verify_record", values, show_verification, store=store, person=person, as_json=as_json
    )
    if result["first_break"] is not None:
        raise typer.Exit(1)


def show_verification(result: Result) -> None:
    """Whether the record is whole."""
    purged = f", {result['purged']:,} files forgotten on purpose" if result["purged"] else ""
    counted = f"{result['entries']:,} entries, {result['files']:,} files{purged}"
    broken = result["first_break"]
    if broken is None:
        say(f"The record is whole: {counted}.")
        signed = result["checkpoint"]
        if signed is not None:
            say(f"It goes on from the checkpoint of {minute(signed['at'])} UTC at entry {signed['seq']:,}.")
    else:
        place = f"entry {broken['seq']}" if broken["seq"] is not None else "the record"
        say(f"The record is broken at {place} ({broken['subject']}): {broken['problem']}.")
    for note in result["notes"]:
        say(f"Note: {note}.")


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
    with options.reach(context, store, person) as caller:
        result = caller.call("sign_checkpoint", {})
    if out is None:
        show_json(result)
        return
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    say(f"Signed at entry {result['seq']:,}: {out}.")


def replay(
    context: typer.Context,
    entry: Annotated[int, typer.Argument(help="Entry of a gate decision, as 'governance record' shows it.")],
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Decide again from what was known then; exit code 1 where the answer is not the one on record."""
    result = options.report(
        context,
        "replay_decision",
        {"seq": entry, "as_of": as_of},
        show_replay,
        store=store,
        person=person,
        as_json=as_json,
    )
    if not result["same"]:
        raise typer.Exit(1)


def show_replay(result: Result) -> None:
    """A decision on record beside the one made anew."""
    recorded = result["recorded"]
    say(
        f"{result['gate_title']} of {result['initiative']}: {recorded['outcome']} "
        f"on {minute(result['at'])} UTC, policy {recorded['policy_version']}, "
        f"{len(recorded['findings'])} findings."
    )
    lines = [(known["title"], known["status"], known["due_on"]) for known in result["requirements"]]
    show_table(("What was known", "Stood at", "Due"), lines)
    if result["same"]:
        say(f"Made anew from the first {result['known_seq']:,} entries, the decision is the same.")
    for difference in result["differences"]:
        say(f"Not the same: {difference}.")


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
    with options.reach(context, store, person) as caller:
        result = caller.call("export_audit_pack", values)
    made = options.settings_for(context, store).store / result["path"]
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


def purge(
    context: typer.Context,
    initiative: Initiative,
    sha256: Annotated[str, typer.Argument(help="Digest of the file.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is forgotten; stays on record.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Have an evidence file forgotten: the file goes, its digest and the reason stay on record."""

    def told(result: Any) -> None:
        if result["removed"]:
            say(f"The file {words(result['sha256'][:16])} is removed; its digest stays on record.")
        else:
            say("It is on record; the file stays for now, another initiative holds it too.")

    values = {"initiative": initiative, "sha256": sha256, "reason": reason}
    options.report(context, "purge_evidence", values, told, store=store, person=person, as_json=as_json)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            "the checkpoint cannot be read", where=str(file), remedy="Name the file that 'checkpoint' wrote."
        ) from None
