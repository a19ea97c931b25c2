"""The use cases of the rules: policy, ethical position, frameworks, regions, rights and ALCOA grades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy
from core.domain.errors import BadInput
from core.domain.given import OfInitiative, option
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.rules.frameworks import Coverage, Framework, Standing
from core.ground import Result, plain
from core.services.governance import Governance
from core.services.process.evidence import AlcoaSheet, alcoa_sheet
from core.services.rules import frameworks, policies, previews, rights
from core.services.rules.configuration import ProposeConfiguration, configuration, propose_configuration
from core.services.rules.ethics import (
    PublishedEthics,
    PublishEthics,
    ethics_in_force,
    ethics_versions,
    publish_ethics,
    transparency_demand,
)
from core.services.rules.initiative_frameworks import (
    InitiativeFrameworks,
    RecordRegions,
    initiative_frameworks,
    record_regions,
)
from core.services.use_case import Call, Choice, Line, Values, asks, does, proposed

FrameworkId = Annotated[str, Field(description="Clause by clause."), option(metavar="ID")]
ClauseId = Annotated[str, Field(description="Down to the proofs; with --framework."), option(metavar="ID")]


def show_framework(governance: Governance, moment: Moment, *, framework: FrameworkId) -> Result:
    """Show a framework clause by clause."""
    found = frameworks.framework_overview(governance, moment).line(framework)
    clauses = [
        {
            **plain(line.clause),
            "answered_by": line.measures,
            "binding": line.binding,
            "initiatives": line.initiatives,
            "coverage": _coverage(line.coverage),
        }
        for line in found.clauses
    ]
    return {**_line(found), "clauses": clauses}


def clause_proofs(
    governance: Governance,
    moment: Moment,
    *,
    framework: FrameworkId,
    clause: ClauseId,
    initiative: OfInitiative = "",
) -> Result:
    """Follow a clause to its proofs, at one initiative or at all that it concerns."""
    asked = {"framework": framework, "clause": clause, "initiative": initiative}
    return {**asked, "proofs": frameworks.clause_proofs(governance, moment, **asked)}


def show_ethics(governance: Governance, moment: Moment, *, initiative: OfInitiative = "") -> Result:
    """Show the position in force, its versions, and what it demands of an initiative."""
    held = ethics_in_force(governance, moment)
    ethics = held.ethics
    demand = transparency_demand(governance, moment, initiative=initiative) if initiative else None
    return {
        **plain(held),
        "limits": {
            domain.id: {task: ethics.limit_for(domain.id, task).sentence for task in ("binary", "regression")}
            for domain in ethics.domains
        },
        "versions": [_version(one) for one in ethics_versions(governance, moment)],
        "transparency_demand": demand,
    }


def _version(one: PublishedEthics) -> Result:
    held = one.in_force
    return {
        "version": held.version,
        "published_at": held.published_at,
        "published_by": held.published_by,
        "seq": held.seq,
        "sha256": held.sha256,
        "changes": one.changes,
    }


def _overview(found: frameworks.FrameworkOverview) -> Result:
    return {
        "version": found.version,
        "overall": _coverage(found.overall),
        "frameworks": [_line(line) for line in found.lines],
    }


def _line(line: frameworks.FrameworkLine) -> Result:
    return {
        **_named(line.framework, line.standing),
        "initiatives": line.initiatives,
        "coverage": _coverage(line.coverage),
        "by_class": {class_id: _coverage(found) for class_id, found in line.by_class.items()},
        "gaps": line.gaps,
        "partly": line.partly,
    }


def _of_initiative(found: InitiativeFrameworks) -> Result:
    return {
        "initiative": found.initiative,
        "name": found.name,
        "regions": found.regions,
        "own_regions": found.own_regions,
        "overall": _coverage(found.overall),
        "frameworks": [
            {
                **_named(one.framework, one.standing),
                "why": one.why,
                "coverage": _coverage(one.coverage),
                "clauses": [
                    {
                        **plain(answer.clause),
                        "state": answer.state,
                        "binding": answer.binding,
                        "proofs": answer.proofs,
                    }
                    for answer in one.clauses
                ],
            }
            for one in found.frameworks
        ],
    }


def _named(framework: Framework, standing: Standing) -> Result:
    return {**framework.model_dump(exclude={"clauses", "when"}), "standing": standing}


def _coverage(found: Coverage) -> Result:
    return {**plain(found), "counted": found.counted, "share": found.share}


def _grades(found: AlcoaSheet) -> Result:
    return {
        "initiative": found.initiative,
        "name": found.name,
        "by_letter": found.by_letter,
        "evidence": [{**plain(one), "overall": one.overall} for one in found.evidence],
    }


def _put_in_force(call: Call, command: object, found: Policy) -> Result:
    since = found.before[1] if found.before else call.now.date()
    return {"version": found.version, "title": found.title, "since": since.isoformat()}


def _which_frameworks(typed: Values) -> str:
    """All frameworks, one of them, one clause, or those of an initiative."""
    if "clause" in typed and "framework" not in typed:
        raise BadInput("a clause belongs to a framework", where="--clause", remedy="Give --framework too.")
    if "clause" in typed:
        return "clause_proofs"
    if "framework" in typed and "initiative" in typed:
        raise BadInput(
            "one initiative is shown with all its frameworks",
            where="--framework",
            remedy="Leave one of the two out, or add --clause.",
        )
    if "framework" in typed:
        return "show_framework"
    return "initiative_frameworks" if "initiative" in typed else "list_frameworks"


GROUPS: Mapping[str, str] = {
    "policy": "The policy that decides.",
    "configuration": "The files that decide beside policy and ethical position.",
    "ethics": "The ethical position: answers, transparency, limits.",
    "rights": "The rights of people whose data is used.",
}

CHOICES = (
    Choice(
        "frameworks",
        "Coverage of laws, guidance and standards: all, one framework, one clause, or one initiative.",
        ("initiative_frameworks", "clause_proofs", "show_framework", "list_frameworks"),
        _which_frameworks,
    ),
    Choice(
        "rights show",
        "Show how each right is answered at an initiative, or where rights are open.",
        ("rights_checklist", "rights_overview"),
        lambda typed: "rights_checklist" if "initiative" in typed else "rights_overview",
    ),
)

USE_CASES = (
    does(
        policies.draft_policy,
        DraftPolicy,
        Line(
            "policy draft",
            "Draft {draft} is on record. Compare, preview, and let somebody else review it.",
        ),
        returns=lambda call, command, draft: {"draft": draft},
    ),
    asks(
        policies.policy_drafts,
        Line("policy drafts"),
        may="read_rules",
        name="list_policy_drafts",
        returns="drafts",
    ),
    asks(previews.compare_policy, Line("policy compare", needs=("text",)), may="read_rules"),
    asks(previews.preview_policy, Line("policy preview", needs=("text",)), may="read_rules"),
    does(previews.review_policy, ReviewPolicy, Line("policy review", "Draft {draft} is {outcome}.")),
    does(
        policies.publish_policy,
        PublishPolicy,
        Line("policy publish", "Policy version {version} is published, and holds from {since}."),
        returns=_put_in_force,
    ),
    does(
        propose_configuration,
        ProposeConfiguration,
        Line("configuration propose", proposed),
        returns=lambda call, command, found: plain(found),
    ),
    asks(
        configuration,
        Line("configuration list"),
        may="read_rules",
        name="list_configuration",
        returns="files",
    ),
    does(
        publish_ethics,
        PublishEthics,
        Line("ethics publish", proposed),
        returns=lambda call, command, found: {
            "version": found.ethics.version,
            "title": found.ethics.title,
            "proposal": found.proposal,
            "changes": found.changes,
        },
    ),
    asks(show_ethics, Line("ethics show"), may="read_rules"),
    asks(frameworks.framework_overview, may="read_rules", name="list_frameworks", returns=_overview),
    asks(show_framework, may="read_rules"),
    asks(clause_proofs, may="read_initiatives"),
    asks(initiative_frameworks, may="read_initiatives", returns=_of_initiative),
    does(
        record_regions,
        RecordRegions,
        Line("regions", lambda r: f"{r['initiative']} concerns people in {', '.join(r['regions'])}."),
    ),
    asks(rights.rights_overview, may="read_initiatives", returns="initiatives"),
    asks(
        rights.rights_checklist,
        may="read_initiatives",
        returns=lambda found: {**plain(found), "open": found.open},
    ),
    does(
        rights.settle_right,
        rights.SettleRight,
        Line("rights settle", "The right '{right}' of {initiative} is answered by {answered_by}."),
        returns="answered_by",
    ),
    does(
        rights.exclude_right,
        rights.ExcludeRight,
        Line("rights exclude", "The right '{right}' does not apply to {initiative}, as recorded."),
    ),
    asks(alcoa_sheet, Line("alcoa"), may="read_initiatives", name="grade_evidence", returns=_grades),
)
