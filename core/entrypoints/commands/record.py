"""Commands of auditors that write or read files of their own: checkpoints and audit packs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

from core.domain.errors import BadInput, NotFound
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Json, Person, Store
from core.entrypoints.reports.printing import complain, say, show_json


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
