"""Tasks: what to prove, sign, mend and decide; offers to answer, comments to read, trainings to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from core.domain.facts.process import ConditionMet, Finding, SignOff, Waiver
from core.domain.facts.rules import Proposal
from core.domain.facts.work import HandOff, HandOffAnswer
from core.domain.moment import Moment
from core.domain.policy.policy import SignOffPlan
from core.domain.process.requirements import Status
from core.domain.work.work import Held, Place, Routes, Task, TaskKind, TaskState, requirement_key
from core.lake import work as lake_tasks
from core.lake.facts import newest
from core.lake.process.clause_tally import led_elsewhere
from core.lake.process.inventory import parts_in, reviews
from core.lake.store import Store
from core.services.work.raci_view import training_standings
from core.services.work.routing import Cast, OpenRequirement, Reading, gate_that_asks, unread_mentions


def requirement_tasks(reading: Reading) -> Iterator[Task]:
    """What the matrix asks for and is not proved, or not for long; signatures are a source of their own."""
    for asked in reading.open_requirements:
        if asked.requirement.sign_off is None:
            yield _requirement_task(reading, asked)


def _requirement_task(reading: Reading, asked: OpenRequirement) -> Task:
    requirement, measure = asked.requirement, asked.requirement.measure
    initiative = reading.known[asked.initiative]
    raci_task = reading.rules.raci.task_of_measure(
        requirement.step, measure.responsible, requirement.consideration.id
    )
    doers = reading.cast.responsible(measure.responsible, initiative, independent=measure.independent)
    due_on = _due_on(asked)
    gate = gate_that_asks(reading.policy, asked.class_id, requirement.step)
    return Task(
        key=requirement_key(asked.initiative, requirement.id),
        kind="requirement",
        title=requirement.title,
        why=requirement.consideration.why,
        how=_next_step(asked),
        waits=f"“{gate}” asks for it" if gate else "",
        state=_state(reading, asked.status, due_on),
        due_on=due_on,
        place=Place("initiative", {"id": asked.initiative, "tab": "Requirements"}),
        routes=reading.cast.routes(raci_task, doers, initiative),
        initiative=asked.initiative,
        role=measure.responsible,
        step=requirement.step,
        raci_task=raci_task.id if raci_task else "",
        independent=measure.independent,
    )


def _due_on(asked: OpenRequirement) -> date:
    """The due day; what was proved once and has expired is due since it expired."""
    if asked.status is Status.EXPIRING and asked.expires_on is not None:
        return asked.expires_on
    return max(asked.due_on, asked.expires_on) if asked.expires_on is not None else asked.due_on


def _state(reading: Reading, status: Status, due_on: date) -> TaskState:
    by_day = reading.state(due_on)
    if by_day == "overdue":
        return by_day
    match status:
        case Status.FAILED:
            return "failed"
        case Status.CANNOT_TELL:
            return "cannot_tell"
        case Status.EXPIRING:
            return "expiring"
    return by_day


def _next_step(asked: OpenRequirement) -> str:
    measure = asked.requirement.measure
    match asked.status:
        case Status.FAILED:
            return "A check failed: open it, mend what it names, and run the checks again."
        case Status.CANNOT_TELL:
            return "A check cannot tell: open it, give it what it lacks, and run the checks again."
        case Status.EXPIRING:
            renewed = f"submit {measure.evidence} again" if measure.evidence else "run the checks again"
            return f"Its proof expires on {asked.expires_on}: {renewed}."
    if measure.evidence is None:
        return "Run the checks; they say what is lacking."
    return f"Submit {measure.evidence}."


def sign_off_tasks(reading: Reading) -> Iterator[Task]:
    """What a sign-off that does not stand waits for: to be asked for, an opinion, or a signature."""
    store, moment = reading.governance.store, reading.moment
    acts = lake_tasks.sign_off_rounds(store, moment, initiative=reading.only)
    # What nobody has been asked to sign has no submitters to keep away.
    barred = lake_tasks.submitters(store, moment, initiative=reading.only) if acts else {}
    for asked in reading.open_requirements:
        plan = asked.requirement.sign_off
        if plan is not None:
            this_round = acts.get((asked.initiative, plan.gate), [])
            yield from _of_sign_off(reading, asked, plan, this_round, barred.get(asked.initiative, set()))


def _of_sign_off(
    reading: Reading,
    asked: OpenRequirement,
    plan: SignOffPlan,
    this_round: Sequence[SignOff],
    barred: set[str],
) -> Iterator[Task]:
    """This round begins with the request; a refusal, or a full quorum that no longer holds, ends it."""
    gate = asked.requirement.gate_title
    if asked.status is Status.EXPIRING and asked.expires_on is not None:
        title = f"Signatures at “{gate}” are to be renewed by {asked.expires_on}"
        yield _ask_task(reading, asked, title, asked.expires_on)
        return
    if not this_round:
        yield _to_ask(reading, asked, f"Ask for the signatures at “{gate}”")
        return
    answers = {said.seat: said for said in this_round if said.act in ("decided", "withdrawn")}
    given = [said for said in answers.values() if said.act == "decided"]
    answered_on = max((said.recorded_at.date() for said in given), default=None)
    if any(said.outcome != "approved" for said in given):
        yield _to_ask(reading, asked, f"Answer the refusal at “{gate}”, then ask again", answered_on)
        return
    heard = {said.role for said in this_round if said.act == "feedback"}
    lacking = [(role, "feedback") for role in plan.feedback if role not in heard]
    if not lacking:
        signed = [said.role for said in given]
        missing = [one.role for one in plan.approvals if signed.count(one.role) < one.quorum]
        lacking = [(role, "sign") for role in (missing[:1] if plan.order == "ordered" else missing)]
    if not lacking:
        yield _to_ask(reading, asked, f"Signatures at “{gate}” no longer hold: ask again", answered_on)
        return
    asked_on = this_round[0].recorded_at.date()
    if asked_on + timedelta(days=reading.policy.request_days) < reading.moment.day:
        yield _to_ask(
            reading, asked, f"Nobody completed the signatures at “{gate}” in time: ask again", asked_on
        )
        return
    asked_by = reading.cast.name(this_round[0].actor)
    seats = {said.seat for said in given}
    for role, what in lacking:
        yield _to_sign(reading, asked, role, what, asked_on, asked_by, barred | seats)


def _to_ask(reading: Reading, asked: OpenRequirement, title: str, answered_on: date | None = None) -> Task:
    """The team asks, or asks again: not late before it had the days of an answer since the last one."""
    due_on = max(asked.due_on, reading.answer_by(answered_on)) if answered_on else asked.due_on
    return _ask_task(reading, asked, title, due_on)


def _ask_task(reading: Reading, asked: OpenRequirement, title: str, due_on: date) -> Task:
    initiative = reading.known[asked.initiative]
    doers = tuple(
        person
        for person in dict.fromkeys((initiative.builder, initiative.owner))
        if reading.cast.find(person)
    )[:1]
    how = "Open the sign-offs and ask; say what has changed since the last time."
    return _sign_off_task(reading, asked, "ask", title, how, due_on, doers, "")


def _to_sign(
    reading: Reading,
    asked: OpenRequirement,
    role: str,
    what: str,
    asked_on: date,
    asked_by: str,
    barred: set[str],
) -> Task:
    initiative = reading.known[asked.initiative]
    title = reading.rules.roles.title(role)
    gate = asked.requirement.gate_title
    doers = tuple(
        person
        for person in reading.cast.responsible(role, initiative, independent=True)
        if person not in barred
    )
    said = f"Sign “{gate}” for {title}" if what == "sign" else f"Give feedback at “{gate}” for {title}"
    how = (
        "Read what was proved; approve, or reject with a reason."
        if what == "sign"
        else "Say what you think before the others sign; an issue needs a reason."
    )
    due_on = max(asked.due_on, reading.answer_by(asked_on))
    return _sign_off_task(
        reading, asked, role, said, how, due_on, doers, f"{asked_by} waits for it", independent=True
    )


def _sign_off_task(
    reading: Reading,
    asked: OpenRequirement,
    part: str,
    title: str,
    how: str,
    due_on: date,
    doers: tuple[str, ...],
    waits: str,
    *,
    independent: bool = False,
) -> Task:
    initiative, requirement = reading.known[asked.initiative], asked.requirement
    role = part if independent else ""
    raci_task = reading.rules.raci.task_of_measure(
        requirement.step, role or requirement.measure.responsible, requirement.consideration.id
    )
    gate = requirement.sign_off.gate if requirement.sign_off else ""
    return Task(
        key=f"sign_off:{asked.initiative}:{gate}:{part}",
        kind="sign_off",
        title=title,
        why=requirement.consideration.why,
        how=how,
        waits=waits or f"“{requirement.gate_title}” asks for it",
        state="expiring" if asked.status is Status.EXPIRING else reading.state(due_on),
        due_on=due_on,
        place=Place("initiative", {"id": asked.initiative, "tab": "Sign-offs", "gate": gate}),
        routes=reading.cast.routes(raci_task, doers, initiative),
        initiative=asked.initiative,
        role=role,
        step=requirement.step,
        raci_task=raci_task.id if raci_task else "",
        independent=independent,
    )


def finding_tasks(reading: Reading) -> Iterator[Task]:
    """Findings that their owner has to mend, and mended ones that somebody else has to verify."""
    for finding in newest(reading.governance.store, Finding, reading.moment, reading.only):
        if finding.state == "open":
            yield _to_mend(reading, finding)
        elif finding.state == "resolved":
            yield _to_verify(reading, finding)


def _to_mend(reading: Reading, finding: Finding) -> Task:
    initiative = reading.known[finding.initiative]
    doers = tuple(who for who in (finding.owner, initiative.owner) if reading.cast.find(who))[:1]
    return _exception_task(
        reading,
        finding,
        key=f"finding:{finding.initiative}:{finding.finding}",
        kind="finding",
        title=f"Mend: {finding.title}",
        how=_sentence(finding.detail) or "Mend it, then say how; somebody else verifies it.",
        waits=f"{finding.severity.capitalize()} finding {finding.finding}",
        due_on=finding.due_on,
        doers=doers,
        role="",
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}." if words else ""


def _to_verify(reading: Reading, finding: Finding) -> Task:
    initiative = reading.known[finding.initiative]
    role = _challenging_role(reading)
    doers = tuple(
        person
        for person in reading.cast.responsible(role, initiative, independent=True)
        if person not in (finding.owner, finding.actor)
    )
    return _exception_task(
        reading,
        finding,
        key=f"finding:{finding.initiative}:{finding.finding}:verify",
        kind="finding",
        title=f"Verify that it is mended: {finding.title}",
        how="Look at the remedy itself; close the finding, or open it again with what is left.",
        waits=f"{reading.cast.name(finding.actor)} says that it is mended",
        due_on=max(finding.due_on, reading.answer_by(finding.recorded_at.date())),
        doers=doers,
        role=role,
    )


def _challenging_role(reading: Reading) -> str:
    """The role of the matrix that decides on exceptions, and so verifies."""
    may = reading.rules.roles.allowed_roles("decide_waiver")
    return next((role for role in reading.rules.raci.roles if role in may), may[0])


def waiver_tasks(reading: Reading) -> Iterator[Task]:
    """Waivers that were asked for and nobody has decided."""
    for waiver in newest(reading.governance.store, Waiver, reading.moment, reading.only):
        if waiver.state != "requested":
            continue
        initiative = reading.known[waiver.initiative]
        rule = reading.policy.waiver_rule(initiative.class_id)
        approvers = rule.approvers if rule else ()
        doers = tuple(
            dict.fromkeys(
                person
                for role in approvers
                for person in reading.cast.responsible(role, initiative, independent=True)
                if person != waiver.actor
            )
        )
        measure = reading.policy.measures.get(waiver.measure)
        yield _exception_task(
            reading,
            waiver,
            key=f"waiver:{waiver.initiative}:{waiver.waiver}",
            kind="waiver",
            title=f"Decide the waiver of “{measure.title if measure else waiver.measure}”",
            how=f"Grant or refuse it until {waiver.until}; asked for because: {waiver.reason}",
            waits=f"{reading.cast.name(waiver.actor)} waits for the answer",
            due_on=reading.answer_by(waiver.recorded_at.date()),
            doers=doers,
            role=approvers[0] if approvers else "",
        )


def condition_tasks(reading: Reading) -> Iterator[Task]:
    """Conditions of approvals that are still to be met."""
    store, moment = reading.governance.store, reading.moment
    met = {one.signed_seq for one in newest(store, ConditionMet, moment, reading.only)}
    rounds = lake_tasks.sign_off_rounds(store, moment, initiative=reading.only)
    for (initiative, gate), acts in rounds.items():
        answers = {said.seat: said for said in acts if said.act in ("decided", "withdrawn")}
        for said in answers.values():
            if said.condition_due is None or said.seq in met:
                continue
            held = reading.known[initiative]
            yield Task(
                key=f"condition:{initiative}:{said.seq}",
                kind="sign_off",
                title=f"Meet the condition: {said.condition}",
                why="An approval lapses where its condition is not met in time.",
                how="Do it; somebody who neither owns nor builds it puts on record that it is met.",
                waits=f"{reading.cast.name(said.actor)} approved on this condition",
                state=reading.state(said.condition_due),
                due_on=said.condition_due,
                place=Place("initiative", {"id": initiative, "tab": "Sign-offs", "gate": gate}),
                routes=Routes((held.owner,) if reading.cast.find(held.owner) else ()),
                initiative=initiative,
            )


def class_tasks(reading: Reading) -> Iterator[Task]:
    """Classes that a second person has to look at, and answers that are to be given anew."""
    policy = reading.policy
    for classified, waits in reviews(reading.governance.store, reading.moment, reading.only):
        held, on = reading.known[classified.initiative], classified.recorded_at.date()
        if waits:
            due_on = on + timedelta(days=policy.confirm_days)
            barred = {classified.actor, held.owner, held.builder}
            yield _class_task(
                reading,
                held,
                "confirm",
                "Confirm the class" if waits == "required" else "Look at the class, which was drawn",
                "Read the answers; confirm the class, override it, or raise a finding.",
                "No gate opens before" if waits == "required" else "Drawn from all of this class",
                due_on,
                tuple(
                    person.id
                    for role in policy.confirmed_by
                    for person in reading.cast.holders(role)
                    if person.id not in barred
                ),
                policy.confirmed_by[0] if policy.confirmed_by else "",
            )
        days = policy.risk_class(held.class_id).review_days
        due_on = on + timedelta(days=days or 0)
        if days and due_on - timedelta(days=policy.expiring_days) <= reading.moment.day:
            how = "Answer the questions as they stand today; what would change is shown before."
            doers = (held.owner,) if reading.cast.find(held.owner) else ()
            title, said = "Give the answers anew", f"They were given on {on}"
            yield _class_task(reading, held, "review", title, how, said, due_on, doers, "")


def _class_task(
    reading: Reading,
    held: Held,
    what: str,
    title: str,
    how: str,
    waits: str,
    due_on: date,
    doers: tuple[str, ...],
    role: str,
) -> Task:
    return Task(
        key=f"class:{held.initiative}:{what}",
        kind="class",
        title=title,
        why="The class decides what is asked for; it rests on the answers.",
        how=how,
        waits=waits,
        state=reading.state(due_on),
        due_on=due_on,
        place=Place("initiative", {"id": held.initiative}),
        routes=Routes(tuple(dict.fromkeys(doers)), (held.owner,) if held.owner else ()),
        initiative=held.initiative,
        role=role,
        independent=bool(role),
    )


def proposal_tasks(reading: Reading) -> Iterator[Task]:
    """What was proposed and waits for somebody who had no part in it."""
    store = reading.governance.store
    for proposal in newest(store, Proposal, reading.moment):
        if proposal.state != "proposed" or reading.only not in ("", proposal.about):
            continue
        known = reading.known.get(proposal.about)
        barred = {proposal.proposed_by, proposal.about}
        if known is not None:
            barred |= set(parts_in(store, proposal.about, reading.moment))
        holders = (person.id for role in proposal.reviewers for person in reading.cast.holders(role))
        due_on = reading.answer_by(proposal.recorded_at.date())
        yield Task(
            key=f"proposal:{proposal.proposal}",
            kind="proposal",
            title=f"Answer proposal {proposal.proposal}: {proposal.says[0]}",
            why="What lowers a class, moves a limit or widens rights takes two people.",
            how="Read what it would change; agree, or decline with a reason.",
            waits=f"{reading.cast.name(proposal.proposed_by)} waits for the answer",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("policy_changes", {}),
            routes=Routes(tuple(dict.fromkeys(who for who in holders if who not in barred))),
            initiative=proposal.about if known is not None else "",
            role=proposal.reviewers[0],
        )
        if proposal.actor != proposal.proposed_by and reading.cast.find(proposal.proposed_by):
            yield _taken_over(reading, proposal, due_on)


def _taken_over(reading: Reading, proposal: Proposal, due_on: date) -> Task:
    """What whoever takes over the proposal of somebody who left has to think of."""
    return Task(
        key=f"proposal:{proposal.proposal}:own",
        kind="proposal",
        title=f"Stand by proposal {proposal.proposal}, or withdraw it: {proposal.says[0]}",
        why="Whoever proposed it left; it is yours now.",
        how="Read what it would change; withdraw it if you would not propose it yourself.",
        waits="Whoever reviews it asks you",
        state=reading.state(due_on),
        due_on=due_on,
        place=Place("policy_changes", {}),
        routes=Routes((proposal.proposed_by,)),
        initiative=proposal.about if proposal.about in reading.known else "",
    )


def _exception_task(
    reading: Reading,
    fact: Finding | Waiver,
    *,
    key: str,
    kind: TaskKind,
    title: str,
    how: str,
    waits: str,
    due_on: date,
    doers: tuple[str, ...],
    role: str,
) -> Task:
    """A task on a finding or a waiver; the initiative's owner answers for it."""
    initiative = reading.known[fact.initiative]
    owner = initiative.owner
    return Task(
        key=key,
        kind=kind,
        title=title,
        why="What is known to be wrong is mended, waived with reasons, or keeps the gate shut.",
        how=how,
        waits=waits,
        state=reading.state(due_on),
        due_on=due_on,
        place=Place("initiative", {"id": fact.initiative, "tab": "Findings and waivers"}),
        routes=Routes(doers, (owner,) if owner else ()),
        initiative=fact.initiative,
        role=role,
        step=fact.step if isinstance(fact, Finding) else "",
        independent=bool(role),
    )


def hand_off_tasks(reading: Reading) -> Iterator[Task]:
    """Offers that wait for an answer: for the person named, else for everybody of the team named."""
    waiting = [
        offer
        for offer, answer in reversed(offers(reading.governance.store, reading.moment, reading.only))
        if answer is None
    ]
    for offer in waiting:
        doers = receivers(reading.cast, offer)
        due_on = reading.answer_by(offer.recorded_at.date())
        giver = reading.cast.name(offer.actor)
        yield Task(
            key=f"hand_off:{offer.hand_off}",
            kind="hand_off",
            title=f"Accept or return: {offer.what}",
            why=f"{giver} ({offer.from_team or 'no team'}) hands it over: {offer.reason}",
            how="Accept it to make it yours, or return it with a reason.",
            waits=f"{giver} waits for the answer",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": f"hand_off:{offer.hand_off}"}),
            routes=Routes(doers, (offer.actor,)),
            initiative=offer.initiative,
            team=offer.to_team,
        )


def offers(
    store: Store, moment: Moment, initiative: str = ""
) -> tuple[tuple[HandOff, HandOffAnswer | None], ...]:
    """Offers of an initiative, or of all, oldest first, each with its answer where there is one."""
    answers = {one.hand_off: one for one in newest(store, HandOffAnswer, moment, initiative)}
    return tuple((offer, answers.get(offer.hand_off)) for offer in newest(store, HandOff, moment, initiative))


def receivers(cast: Cast, offer: HandOff) -> tuple[str, ...]:
    """Who may answer an offer: the person named, else everybody of the team."""
    if offer.to_person:
        return (offer.to_person,)
    return tuple(known.id for known in cast.people if known.team == offer.to_team)


_CLASSIFY_DAYS = 30
"""Days for classifying again, where the class has no transition days."""


def reclassification_tasks(reading: Reading) -> Iterator[Task]:
    """Answers that lead to another class by the policy of now: nothing moves before somebody looks."""
    policy = reading.policy
    if policy.before is None:
        return
    moved = led_elsewhere(reading.governance.store, policy, reading.moment)
    for initiative in sorted(moved if not reading.only else {reading.only} & set(moved)):
        was, led_to = moved[initiative]
        held = reading.known[initiative]
        if held.retired:
            continue
        title = policy.class_title(led_to) if led_to else "no class: an answer is missing"
        days = policy.risk_class(led_to).transition_days if led_to else None
        due_on = policy.before[1] + timedelta(days=_CLASSIFY_DAYS if days is None else days)
        yield Task(
            key=f"reclassify:{initiative}",
            kind="class",
            title=f"Classify again: {held.name}",
            why=f"By policy {policy.version} its answers lead to {title}, not to {policy.class_title(was)}.",
            how="Give the answers anew, or let the class be overridden with a reason.",
            waits="It keeps its class till then",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("initiative", {"id": initiative}),
            routes=Routes((held.owner,) if held.owner else ()),
            initiative=initiative,
        )


def mention_tasks(reading: Reading) -> Iterator[Task]:
    """Comments that name somebody who has neither read nor written there since."""
    days = timedelta(days=reading.rules.work.mention_days)
    for comment, person in unread_mentions(reading.governance.store, reading.moment, reading.only):
        due_on = comment.recorded_at.date() + days
        key, writer = f"mention:{comment.comment}:{person}", reading.cast.name(comment.actor)
        yield Task(
            key=key,
            kind="mention",
            title=f"Read what {writer} wrote",
            why=comment.text,
            how="Answer there, or mark it as read.",
            waits=f"{writer} waits for you",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": key}),
            routes=Routes((person,)),
            initiative=comment.initiative,
        )


def training_tasks(reading: Reading) -> Iterator[Task]:
    """Trainings that a person's roles ask for and that are not attested, or not for long."""
    if reading.only:
        return
    for standing in training_standings(reading.governance, reading.moment, cast=reading.cast):
        person = reading.cast.find(standing.person)
        if standing.state == "current" or person is None:
            continue
        training = standing.training
        renewal = standing.attested_on is not None
        yield Task(
            key=f"training:{training.id}:{standing.person}",
            kind="training",
            title=f"{'Renew' if renewal else 'Take'} the training “{training.title}”",
            why=training.why,
            how=f"{training.minutes} minutes; then attest it for yourself.",
            waits="Gates may ask for current training",
            state=reading.state(standing.due_on),
            due_on=standing.due_on,
            place=Place("training"),
            routes=Routes((standing.person,)),
            team=person.team,
        )
