"""From the answers of Step 1 to a risk class and an operationalization mode, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.errors import BadInput
from core.domain.policy.policy import Option, Policy, Question

Answers = Mapping[str, tuple[str, ...]]
"""Question id -> chosen option ids (one, unless the question takes many)."""


@dataclass(frozen=True)
class Classification:
    """Risk class and mode of an initiative, and why.

    Attributes
    ----------
    score
        Sum over the questions of the heaviest chosen option's weight.
    reasons
        Sentences: what each answer adds, heaviest first, then how the score leads to a class, then the
        answers that lift it further.
    """

    class_id: str
    mode_id: str
    score: int
    reasons: tuple[str, ...]


def classify(policy: Policy, answers: Answers) -> Classification:
    """Classify complete answers.

    The score leads to the strictest class whose `from_score` it reaches; an option with `at_least` lifts
    the class to that one, and nothing lowers it. The mode is the most demanding that a chosen option sets.

    Raises
    ------
    BadInput
        An answer is missing, unknown, or more than one where one is asked.
    """
    chosen = check_answers(policy, answers)
    missing = [question.id for question in policy.questions if question.id not in chosen]
    if missing:
        raise BadInput(
            f"no answer to {', '.join(repr(question) for question in missing)}",
            where="answers",
            remedy=f"Answer all {len(policy.questions)} questions.",
        )
    return _classify(policy, chosen)


def classify_so_far(policy: Policy, answers: Answers) -> Classification:
    """Classify what has been answered yet: the least class that the full answers can lead to."""
    return _classify(policy, check_answers(policy, answers))


def check_answers(policy: Policy, answers: Answers) -> dict[str, tuple[Option, ...]]:
    """Look the answers up, refusing unknown questions, unknown options and too many of them.

    Raises
    ------
    BadInput
        Naming the question, what was given, and what may be.
    """
    questions = {question.id: question for question in policy.questions}
    for given in answers:
        if given not in questions:
            raise BadInput(
                f"'{given}' is not a question", where="answers", remedy=f"Use: {', '.join(questions)}."
            )
    return {
        question.id: _chosen_options(question, answers[question.id])
        for question in policy.questions
        if answers.get(question.id)
    }


def _chosen_options(question: Question, given: tuple[str, ...]) -> tuple[Option, ...]:
    where = f"question '{question.id}'"
    if question.kind == "one" and len(given) > 1:
        raise BadInput(f"{len(given)} answers where one is asked", where=where, remedy="Choose one.")
    options = []
    for option_id in dict.fromkeys(given):
        option = question.option(option_id)
        if option is None:
            known = ", ".join(option.id for option in question.options)
            raise BadInput(f"'{option_id}' is not an answer", where=where, remedy=f"Use: {known}.")
        options.append(option)
    return tuple(options)


def _classify(policy: Policy, chosen: Mapping[str, tuple[Option, ...]]) -> Classification:
    order = policy.class_order
    heaviest = {question: max(options, key=lambda o: o.weight) for question, options in chosen.items()}
    score = sum(option.weight for option in heaviest.values())
    by_score = [risk_class for risk_class in policy.classes if risk_class.from_score <= score][-1]
    lifts = [option for options in chosen.values() for option in options if option.at_least is not None]
    lifted = max((order[str(option.at_least)] for option in lifts), default=0)
    final = policy.classes[max(order[by_score.id], lifted)]
    reasons = _weight_reasons(policy, heaviest)
    reasons.append(
        f"Together {score} points; {by_score.title} risk starts at {by_score.from_score}."
        if chosen
        else "Nothing has been answered yet."
    )
    reasons += [
        f"“{option.label}” alone asks for at least {policy.class_title(str(option.at_least))} risk."
        for option in lifts
        if order[str(option.at_least)] > order[by_score.id]
    ]
    return Classification(final.id, _mode_of(policy, chosen), score, tuple(reasons))


def _weight_reasons(policy: Policy, heaviest: Mapping[str, Option]) -> list[str]:
    dimensions = {question.id: question.dimension for question in policy.questions}
    weighted = sorted(heaviest.items(), key=lambda item: -item[1].weight)
    return [
        f"{dimensions[question].capitalize()}: “{option.label}” adds {option.weight}."
        for question, option in weighted
        if option.weight
    ]


def _mode_of(policy: Policy, chosen: Mapping[str, tuple[Option, ...]]) -> str:
    order = {mode.id: rank for rank, mode in enumerate(policy.modes)}
    modes = [str(option.mode) for options in chosen.values() for option in options if option.mode]
    return max(modes, key=lambda mode: order[mode], default=policy.modes[0].id)
