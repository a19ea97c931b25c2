"""What only the whole list of frameworks shows to be wrong, held against policy and ethical position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.domain.faults import Fault, Path
from core.domain.policy.policy import Policy
from core.domain.rules.applicability import Rule
from core.domain.rules.ethics import Ethics
from core.domain.rules.frameworks import Framework, Frameworks


@dataclass(frozen=True)
class KnownNames:
    """What rules and clauses may name."""

    measures: tuple[str, ...]
    options: dict[str, tuple[str, ...]]
    domains: tuple[str, ...]
    regions: tuple[str, ...]


def known_names(policy: Policy, ethics: Ethics, regions: Iterable[str]) -> KnownNames:
    """Gather what rules and clauses may name."""
    return KnownNames(
        tuple(policy.measures),
        {question.id: tuple(option.id for option in question.options) for question in policy.questions},
        tuple(domain.id for domain in ethics.domains),
        tuple(regions),
    )


def framework_faults(frameworks: Frameworks, policy: Policy, ethics: Ethics) -> tuple[Fault, ...]:
    """Find ids used twice, and measures, answers, domains, regions and frameworks that there are not."""
    known = known_names(policy, ethics, (region.id for region in frameworks.regions))
    faults = [*_twice(("regions",), "region", known.regions)]
    faults += _unknown(("operates_in",), "region", frameworks.operates_in, known.regions)
    ids = [framework.id for framework in frameworks.frameworks]
    faults += _twice(("frameworks",), "framework", ids)
    for place, framework in enumerate(frameworks.frameworks):
        faults += _framework(("frameworks", place), framework, ids, known)
    return tuple(faults)


def rule_faults(path: Path, when: Sequence[Rule], known: KnownNames) -> Iterator[Fault]:
    """Find what rules name that there is not; `path` leads to the list of rules."""
    for place, rule in enumerate(when):
        at = (*path, place)
        yield from _unknown((*at, "regions"), "region", rule.regions or (), known.regions)
        yield from _unknown((*at, "domains"), "domain", rule.domains or (), known.domains)
        for question, options in (rule.answers or {}).items():
            where = (*at, "answers", question)
            if question not in known.options:
                remedy = f"Use one of: {', '.join(known.options)}."
                yield Fault(where, f"'{question}' is not a known question", remedy)
            else:
                yield from _unknown(where, "answer", options, known.options[question])


def _framework(path: Path, framework: Framework, ids: list[str], known: KnownNames) -> Iterator[Fault]:
    if framework.superseded_by is not None:
        yield from _unknown((*path, "superseded_by"), "framework", (framework.superseded_by,), ids, one=True)
    yield from rule_faults((*path, "when"), framework.when, known)
    yield from _twice((*path, "clauses"), "clause", [clause.id for clause in framework.clauses])
    for place, clause in enumerate(framework.clauses):
        at = (*path, "clauses", place)
        yield from _unknown((*at, "measures"), "measure", clause.measures, known.measures)
        yield from rule_faults((*at, "when"), clause.when, known)


def _unknown(
    path: Path, kind: str, given: Sequence[str], known: Sequence[str], *, one: bool = False
) -> Iterator[Fault]:
    for place, name in enumerate(given):
        if name not in known:
            where = path if one else (*path, place)
            yield Fault(where, f"'{name}' is not a known {kind}", f"Use one of: {', '.join(known)}.")


def _twice(path: Path, kind: str, ids: Sequence[str]) -> Iterator[Fault]:
    for place, name in enumerate(ids):
        if name in ids[:place]:
            yield Fault((*path, place, "id"), f"{kind} '{name}' is listed twice", "Keep one of them.")
