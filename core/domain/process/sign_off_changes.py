"""What has changed at a gate since somebody last decided there, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.policy.demands import asked_at, demands_of
from core.domain.policy.policy import Gate, Policy
from core.domain.process.facts import InitiativeFacts, SignOffAct


def changes_since(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> tuple[str, ...]:
    """List what is different from what was on the table at an earlier answer; empty where nothing is.

    Looks at the model version, at the evidence for every measure of the gate by content, at what the policy
    asks for, and at checks that failed since. It says nothing of words that changed without changing what
    is asked.
    """
    return tuple(_changes(policy, gate, facts, act))


def _changes(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    per_version = policy.steps[policy.step_order[gate.step]].per_version
    if per_version and act.version != facts.version:
        yield f"Model version {facts.version or 'none'} instead of {act.version or 'none'}."
    yield from _evidence(policy, gate, facts, act)
    now = demands_of(policy, facts.class_id, gate)
    titles = {r.measure.id: r.measure.title for r in asked_at(policy, facts.class_id, gate)}
    for token in sorted(now - act.demands):
        yield f"Asked for now: {_asked(token, titles)}."
    gone = sorted(act.demands - now)
    if gone:
        yield f"Asked for then and not now: {', '.join(_asked(token, titles) for token in gone)}."
    for breach in policy.breaches:
        if breach.revalidate and facts.breaches.get(breach.check, 0) > act.seq:
            yield f"The check {breach.check.replace('_', ' ')} failed since."


def _evidence(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    watched = {m.id: m.title for r in asked_at(policy, facts.class_id, gate) for m in r.watched}
    for measure, title in sorted(watched.items(), key=lambda item: item[1]):
        then, now = act.evidence.get(measure), facts.evidence_keys.get(measure)
        if then == now:
            continue
        if then is None:
            yield f"New evidence for “{title}”."
        elif now is None:
            yield f"The evidence for “{title}” no longer counts."
        else:
            yield f"Other evidence for “{title}”."


def _asked(token: str, titles: dict[str, str]) -> str:
    kind, _, rest = token.partition(":")
    if kind == "signed":
        role, _, quorum = rest.partition(":")
        return f"{quorum} signature(s) of {role.replace('_', ' ')}"
    if kind == "feedback":
        return f"feedback of {rest.replace('_', ' ')}"
    measure = token.partition("#")[0]
    return titles.get(measure, measure.replace("_", " "))
