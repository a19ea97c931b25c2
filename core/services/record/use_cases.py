"""The use cases of the record: verify, sign, replay, pack, forget, read; and the directory of people."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from core.domain.chain import key_id
from core.domain.given import AsOf, argument, option
from core.ground import Result, plain
from core.lake import directory
from core.services.process.evidence import (
    HoldInitiative,
    PurgeEvidence,
    PurgePredictions,
    due_for_purge,
    hold_initiative,
    purge_evidence,
    purge_predictions,
)
from core.services.record import proposals
from core.services.record.audit_pack import OUTGOING, ExportAuditPack, export_audit_pack
from core.services.record.checkpoints import (
    MOST_BYTES,
    ReplaceSigningKey,
    SignCheckpoint,
    checkpoint_text,
    replace_signing_key,
    sign_checkpoint,
    verify_against,
)
from core.services.record.departures import (
    AppointDeputy,
    EndDeputy,
    ForgetPerson,
    LeavePerson,
    appoint_deputy,
    end_deputy,
    forget_person,
    leave_person,
    person_history,
)
from core.services.record.entries import record_page, replay_decision
from core.services.record.identity import (
    EndLogins,
    IssueToken,
    RevokeToken,
    end_logins,
    issue_token,
    revoke_token,
    tokens,
)
from core.services.record.people import AddPerson, add_person
from core.services.rules.configuration import differences
from core.services.use_case import Call, Line, asks, does, proposed
from core.services.work.team_work import deputies

EntryNumber = Annotated[
    int,
    Field(ge=1, description="Entry of a gate decision, as 'governance record' shows it."),
    argument("entry"),
]


def replay(call: Call, *, seq: EntryNumber, as_of: AsOf = "") -> Result:
    """Decide again from what was known then; exit code 1 where the answer is not the one on record."""
    found = replay_decision(call.governance, call.past(as_of), seq=seq)
    return {**plain(found), "same": found.same}


def export_pack(
    call: Call,
    *,
    initiative: Annotated[str, Field(max_length=80, description="The initiative's id, or 'all'.")],
    zipped: Annotated[bool, Field(description="Write one zip file.")] = False,
    as_of: AsOf = "",
) -> Result:
    """Write all that the record holds of an initiative into a folder that anybody can verify."""
    name = f"{secrets.token_hex(8)}.zip" if zipped else secrets.token_hex(8)
    command = ExportAuditPack(
        actor=call.actor,
        at=call.now,
        initiative=initiative,
        as_of=call.past(as_of),
        target=call.governance.store.folder / OUTGOING / name,
        zipped=zipped,
    )
    return {**plain(export_audit_pack(call.governance, command)), "path": f"{OUTGOING}/{name}"}


def list_people(call: Call) -> Result:
    """List the people who can own, build or act, and those who left."""
    titles = call.rules.roles.title
    people = [
        {
            **person.model_dump(),
            "role_titles": [titles(role) for role in person.roles],
            "left_on": person.left_on,
        }
        for person in directory.people(call.governance.store)
    ]
    return {"people": people}


def verify(
    call: Call,
    *,
    checkpoint: Annotated[
        str,
        Field(
            max_length=MOST_BYTES,
            description="A checkpoint file: shows also a record whose end was cut off.",
        ),
        option(metavar="FILE", read=checkpoint_text),
    ] = "",
) -> Result:
    """Recompute the whole record; exit code 1 names the first broken entry."""
    found = verify_against(call.governance, checkpoint, call.now)
    signed = found.checkpoint
    held = None if signed is None else {**signed.as_json(), "key_id": key_id(signed.public_key)}
    whole = call.governance.founded and found.record.first_break is None
    said = differences(call.governance, call.moment()) if whole else ()
    return {**plain(found.record), "checkpoint": held, "configuration": said}


def _purged(result: Result) -> str:
    if result["removed"]:
        return f"The file {result['sha256'][:16]} is removed; its digest stays on record."
    return "It is on record; the file stays for now, another initiative holds it too."


GROUPS: Mapping[str, str] = {
    "people": "The directory of people.",
    "token": "Tokens by which programs act.",
    "key": "The key that signs checkpoints and audit packs.",
    "purge": "Rows older than the policy keeps them.",
    "hold": "Legal holds: while one is on a use case, nothing of it is purged or forgotten.",
    "proposal": "What takes effect only when somebody who had no part in it agrees.",
}


def _added(result: Result) -> str:
    said = f"{result['name']} ({result['id']}) is in the directory."
    return f"{said} {proposed(result)}" if result["proposal"] else said


def _issued(result: Result) -> str:
    said = f"Token {result['token']} is on record. Its secret is shown only now; keep it safe:"
    return f"{said}\n{result['secret']}"


USE_CASES = (
    asks(
        verify,
        Line("verify", code=lambda result: int(result["first_break"] is not None)),
        may="read_record",
        name="verify_record",
        shared=True,
    ),
    does(sign_checkpoint, SignCheckpoint, returns=lambda call, command, found: found.as_json()),
    asks(
        replay,
        Line("replay", code=lambda result: int(not result["same"])),
        may="read_record",
        name="replay_decision",
    ),
    asks(export_pack, may="export_audit_pack", name="export_audit_pack"),
    does(purge_evidence, PurgeEvidence, Line("purge-evidence", _purged), returns="removed"),
    asks(due_for_purge, Line("purge due"), may="read_record", returns="batches"),
    does(
        purge_predictions,
        PurgePredictions,
        Line("purge rows", "The rows of {batches} batches are gone; figures of them stay on record."),
        returns=lambda call, command, found: {"initiative": command.initiative, "batches": found},
    ),
    does(
        hold_initiative,
        HoldInitiative,
        Line("hold set", proposed, fixed={"state": "held"}),
        Line("hold lift", proposed, fixed={"state": "lifted"}),
        returns="proposal",
    ),
    asks(record_page, Line("record"), may="read_record", name="read_record", returns="entries"),
    asks(
        proposals.proposals,
        Line("proposal list"),
        may="read_record",
        name="list_proposals",
        returns="proposals",
    ),
    does(
        proposals.agree_to_proposal,
        proposals.AgreeToProposal,
        Line("proposal agree", "{proposal} is agreed to."),
        returns=lambda call, command, found: {"proposal": found.proposal, "about": found.about},
    ),
    does(
        proposals.decline_proposal,
        proposals.DeclineProposal,
        Line("proposal decline", "{proposal} is declined; nothing has changed."),
    ),
    does(
        proposals.withdraw_proposal,
        proposals.WithdrawProposal,
        Line("proposal withdraw", "{proposal} is withdrawn."),
    ),
    does(
        replace_signing_key,
        ReplaceSigningKey,
        Line("key replace", proposed, fixed={"public_key": "", "replaces": ""}),
        returns="proposal",
    ),
    asks(list_people, Line("people list"), may="read_people"),
    does(
        add_person,
        AddPerson,
        Line("people add", _added, needs=("roles",)),
        returns=lambda call, command, added: {**added.person.model_dump(), "proposal": added.proposal},
    ),
    asks(
        person_history,
        Line("people history"),
        may="read_people",
        name="person_history",
        returns="history",
    ),
    does(
        leave_person,
        LeavePerson,
        Line(
            "people leave",
            "{person} has left; {to} has their work: {initiatives} initiatives, {tasks} tasks, "
            "{findings} findings, {proposals} proposals. {tokens} tokens are revoked.",
        ),
        returns=lambda call, command, found: plain(found),
    ),
    does(forget_person, ForgetPerson, Line("people forget", proposed), returns="proposal"),
    asks(deputies, Line("people deputies"), may="read_people", name="list_deputies", returns="deputies"),
    does(
        appoint_deputy,
        AppointDeputy,
        Line("people deputy", "{deputy} acts for you from {since} through {until}."),
        returns=lambda call, command, found: {
            "deputy": found.deputy,
            "since": found.since,
            "until": found.until,
        },
    ),
    does(end_deputy, EndDeputy, Line("people deputy-end", "Neither acts for the other any more.")),
    does(end_logins, EndLogins, Line("people log-out", "{person} has to log in again.")),
    asks(tokens, Line("token list"), may="read_record", name="list_tokens", returns="tokens"),
    does(issue_token, IssueToken, Line("token issue", _issued), returns="secret"),
    does(revoke_token, RevokeToken, Line("token revoke", "Token {token} counts no more.")),
)
