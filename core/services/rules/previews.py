"""What another policy would change, worked out before it is in force and kept beside the decision."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import Field

from core.connectors.config_files import parse_recorded_policy
from core.domain.chain import Fact, canonical
from core.domain.commands import HoldsFrom, ReviewPolicy
from core.domain.errors import BadInput
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import PolicyDraft, PolicyPreview, PublishedPolicy
from core.domain.given import TextOf, argument
from core.domain.life_cycles import DRAFT
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.policy_changes import Effects, PolicyChange, Totals, policy_changes
from core.domain.policy.requirement_list import transitions_end
from core.ground import plain, read_back
from core.lake.facts import latest
from core.lake.process import clause_tally as lake
from core.lake.record.entries import named_initiatives
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.oversight.kpis import governance_kpis, team_standings
from core.services.rules.policies import read_text_of, require_draft

MOST = 200
OnRecord = Annotated[str, Field(description="A draft on record, such as P1.")]
OrText = Annotated[
    str,
    Field(description="A draft such as P1, or a policy file."),
    TextOf("draft", known=r"P\d+"),
    argument("DRAFT|FILE"),
]


@dataclass(frozen=True)
class Comparison:
    """Two versions and every difference between them."""

    before: str
    after: str
    changes: tuple[PolicyChange, ...]


@dataclass(frozen=True)
class Reclassified:
    """Initiatives whose answers would lead to another class; they stay until they are classified again."""

    from_title: str
    to_title: str
    initiatives: int


@dataclass(frozen=True)
class KpiChange:
    """A KPI on a day if nothing else is done, without the draft and with it; None where it is undefined."""

    kpi: str
    title: str
    unit: str
    day: date
    before: float | None
    after: float | None
    status_before: str
    status_after: str


@dataclass(frozen=True)
class RankChange:
    """Rank of a team by deadlines met, without the draft and with it; None where it has none."""

    team: str
    before: int | None
    after: int | None


@dataclass(frozen=True, kw_only=True)
class Preview(Effects):
    """What putting a policy in force would do; `cut` says whether the lists are cut.

    Attributes
    ----------
    holds_from
        The day on which it is looked at: the first on which it would hold.
    settled_on, settled
        The first day after all its transitions, and the totals then if nobody did anything. The lists of
        what is overdue and out of policy are of that day.
    kpis
        Every KPI on both days.
    ranks
        Teams whose rank on the later day would be another.
    effort_days, effort_unknown
        Person-days of the work it makes, and pieces of it of which the policy says none.
    sealed
        Digest of the preview kept beside the decision; empty where none has been made yet.
    """

    before: str
    after: str
    reopened_total: int
    reclassified: tuple[Reclassified, ...]
    cut: bool
    holds_from: date
    settled_on: date
    settled: Totals
    kpis: tuple[KpiChange, ...]
    ranks: tuple[RankChange, ...]
    effort_days: float
    effort_unknown: int
    sealed: str = ""


def compare_policy(
    governance: Governance, moment: Moment, *, draft: OnRecord = "", text: OrText = ""
) -> Comparison:
    """Compare a draft or a file with the policy published last, cell by cell; one in force with its base."""
    after = read_text_of(governance, moment, draft=draft, text=text)
    before = _base_of(governance, moment, draft)
    return Comparison(before.version, after.version, policy_changes(before, after))


def _base_of(governance: Governance, moment: Moment, draft: str) -> Policy:
    """What a draft was made against once it is in force; else the policy published last."""
    known = require_draft(governance, draft, moment) if draft else None
    like = {"version": known.base_version} if known and known.state == "published" else {}
    base = latest(governance.store, PublishedPolicy, moment, **like)
    assert base is not None  # a draft has a base, and a store a policy
    return parse_recorded_policy(base.text, None, name=f"policy {base.version}")


def preview_policy(
    governance: Governance,
    moment: Moment,
    *,
    draft: OnRecord = "",
    text: OrText = "",
    holds_from: HoldsFrom = None,
) -> Preview:
    """Show what a draft or a file would change over the whole inventory, KPIs and ranks among it.

    Of a draft that was approved it is what was foreseen then, as it was kept.

    Raises
    ------
    BadInput, NotFound
        The text is no sound policy, or drops a class that initiatives are in; there is no such draft.

    Notes
    -----
    The whole inventory is decided by it as if it were in force, beside the policy that holds on that day
    without it, if nothing else is done till then.
    """
    kept = latest(governance.store, PolicyPreview, moment, draft=draft) if draft else None
    if kept is not None:
        seen = replace(read_back(Preview, json.loads(kept.text)), sealed=kept.sha256)
        return _to_read(governance, moment, seen)
    after = read_text_of(governance, moment, draft=draft, text=text)
    known = require_draft(governance, draft, moment) if draft else None
    wanted = PublishedPolicy(
        recorded_at=moment.at.replace(tzinfo=None),
        version=after.version,
        title=after.title,
        sha256="",
        text=known.text if known else text,
        holds_from=known.holds_from if known else holds_from,
    )
    then = moment.ahead(wanted.since) if wanted.since > moment.day else moment
    whole = governance.whole  # one figure has one value, whoever reads it
    return _to_read(governance, moment, _foreseen(whole, whole.foreseeing(wanted), then))


def _to_read(governance: Governance, moment: Moment, seen: Preview) -> Preview:
    """All figures, and of the initiatives those that the reader may know of."""
    known = named_initiatives(governance.store, moment)
    fallen = tuple(one for one in seen.fallen if one.initiative in known)
    return replace(seen, fallen=fallen, reopened=tuple(o for o in seen.reopened if o.initiative in known))


def _foreseen(now: Governance, then: Governance, moment: Moment) -> Preview:
    """The record at a moment, decided by what holds then without the draft and with it."""
    before, after = now.policy(moment), then.policy(moment)
    lost = set(before.class_order) - set(after.class_order)
    if lost:
        raise BadInput(
            f"the draft has no class '{', '.join(sorted(lost))}', and initiatives may be in it",
            where="classes",
            remedy="Keep the class until nothing is in it.",
        )
    last = moment.ahead(transitions_end(after, moment.day))
    found = lake.preview(now.store, before, after, moment, most=MOST)
    settled = lake.preview(now.store, now.policy(last), after, last, most=MOST)
    efforts = [
        (after.measures[w.requirement.partition(":")[0]].effort_days, w.initiatives) for w in found.work
    ]
    return Preview(
        **{**vars(found), "work": settled.work, "fallen": settled.fallen},
        before=before.version,
        after=after.version,
        reopened_total=found.reopened[0].of_all if found.reopened else 0,
        reclassified=_reclassified(now, after, moment),
        cut=MOST in (len(settled.fallen), len(found.reopened)),
        holds_from=moment.day,
        settled_on=last.day,
        settled=settled.totals,
        kpis=tuple(_kpi_changes(now, then, moment)) + tuple(_kpi_changes(now, then, last)),
        ranks=_rank_changes(now, then, last),
        effort_days=round(sum(days * count for days, count in efforts if days is not None), 1),
        effort_unknown=sum(count for days, count in efforts if days is None),
    )


def _kpi_changes(now: Governance, then: Governance, moment: Moment) -> Iterator[KpiChange]:
    pairs = zip(*(governance_kpis(asked, moment, months=0) for asked in (now, then)), strict=True)
    for before, after in pairs:
        known = before.definition
        yield KpiChange(
            known.id,
            known.title,
            known.unit,
            moment.day,
            before.value.value,
            after.value.value,
            before.value.status,
            after.value.status,
        )


def _rank_changes(now: Governance, then: Governance, moment: Moment) -> tuple[RankChange, ...]:
    before, after = (
        {line.team: line.rank for line in team_standings(asked, moment, measure="deadlines_met_rate")}
        for asked in (now, then)
    )
    return tuple(
        RankChange(team, before[team], after[team]) for team in before if before[team] != after[team]
    )


def _reclassified(governance: Governance, after: Policy, moment: Moment) -> tuple[Reclassified, ...]:
    moves = Counter(lake.led_elsewhere(governance.store, after, moment).values())
    return tuple(
        Reclassified(
            after.class_title(old),
            after.class_title(new) if new else "cannot be told: an answer is missing",
            count,
        )
        for (old, new), count in moves.most_common()
    )


def review_policy(governance: Governance, command: ReviewPolicy) -> None:
    """Approve or reject a draft, never one's own; what it would change is kept beside an approval."""
    case = begin(governance, command)
    draft, step = require_draft(governance, command.draft, case.moment), DRAFT.to(command.outcome)
    case.permit(step, draft, state=draft.state)
    reviewed = entry_of(step.action, replace(draft, state=command.outcome, note=command.note))
    seen = [_sealed(case, draft)] if command.outcome == "approved" else []
    case.append([reviewed, *seen], unchanged=[reviewed.subject])


def _sealed(case: Case, draft: PolicyDraft) -> Fact:
    """The entry that keeps what a decision was made on: afterwards nothing can be foreseen any more."""
    text = canonical(plain(preview_policy(case.governance, case.moment, draft=draft.draft)))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return entry_of("policy_previewed", PolicyPreview(draft=draft.draft, sha256=digest, text=text))
