"""What one ethical position changed against the one before it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.rules.ethics import Domain, EthicalLimit, Ethics


def position_changes(old: Ethics, new: Ethics) -> tuple[str, ...]:
    """Say what changed: answers, demands of transparency, limits. Empty where only words of reasons did.

    Parameters
    ----------
    old, new
        Two positions; `new` is the later one.

    Returns
    -------
    tuple of str
        Sentences without a full stop, in the order of the document.
    """
    return (*_answers(old, new), *_transparency(old, new), *_limits(old, new))


def _answers(old: Ethics, new: Ethics) -> Iterator[str]:
    before = {answer.id: answer for answer in old.answers}
    for answer in new.answers:
        if answer != before[answer.id]:  # all five stand in every position
            yield f"the answer on {_topic(answer.id)} reads differently"


def _topic(question: str) -> str:
    topics = {"wellbeing": "well-being", "financial": "financial impact", "psychology": "human psychology"}
    return topics.get(question, question)


def _transparency(old: Ethics, new: Ethics) -> Iterator[str]:
    titles = {level.id: level.title for level in (*old.transparency.levels, *new.transparency.levels)}
    for kind, was, now in (
        ("class", old.transparency.classes, new.transparency.classes),
        ("domain", old.transparency.domains, new.transparency.domains),
    ):
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                before, after = (titles.get(level.get(key, ""), "no level") for level in (was, now))
                name = new.domain_title(key) if kind == "domain" else key.replace("_", " ")
                yield f"{kind} {name} demands “{after}” instead of “{before}”"
    if old.transparency.levels != new.transparency.levels:
        yield "the levels of transparency read differently"


def _limits(old: Ethics, new: Ethics) -> Iterator[str]:
    yield from _limit("default", old.default, new.default)
    yield from _limit("default for regressions", old.default_regression, new.default_regression)
    before = {domain.id: domain for domain in old.domains}
    after = {domain.id: domain for domain in new.domains}
    for gone in (domain for domain in old.domains if domain.id not in after):
        yield f"{gone.title} is no domain of its own any more"
    for domain in new.domains:
        yield from _domain(before.get(domain.id), domain)


def _domain(was: Domain | None, now: Domain) -> Iterator[str]:
    if was is None:
        yield f"{now.title} is a new domain: {now.limit.sentence}"
        return
    yield from _limit(now.title, was.limit, now.limit)
    yield from _limit(f"{now.title}, regressions", was.regression, now.regression)


def _limit(name: str, was: EthicalLimit | None, now: EthicalLimit | None) -> Iterator[str]:
    said = [_words(limit) for limit in (was, now)]
    if said[0] != said[1]:
        yield f"{name}: {said[1]} (before: {said[0]})"


def _words(limit: EthicalLimit | None) -> str:
    if limit is None:
        return "the default holds"
    return f"{limit.sentence}, groups from {limit.min_rows} rows"
