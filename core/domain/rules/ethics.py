"""The ethical position (Step 2): five questions, transparency, limits by domain; what a new one changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from core.domain.errors import Fault, Path, refusal
from core.domain.policy.policy import Policy
from core.ground import Checked, Id, Task, Text

RATES = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "specificity",
    "precision",
    "false_discovery_rate",
    "negative_predictive_value",
    "false_omission_rate",
    "accuracy",
)
"""Metrics of a classification that a limit may name; ids as in `core.analytics.slices.metrics`."""
ERRORS = ("mean_error", "mean_absolute_error", "root_mean_squared_error")
"""Metrics of a regression that a limit may name."""

Metric = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "specificity",
    "precision",
    "false_discovery_rate",
    "negative_predictive_value",
    "false_omission_rate",
    "accuracy",
    "mean_error",
    "mean_absolute_error",
    "root_mean_squared_error",
]
QuestionId = Literal["wellbeing", "psychology", "financial", "transparency", "accountability"]
QUESTIONS: tuple[QuestionId, ...] = (
    "wellbeing",
    "psychology",
    "financial",
    "transparency",
    "accountability",
)
"""The five questions of Step 2: each has to be answered, once."""
_SMALL = {
    "left_out": "smaller ones are left out by name",
    "pooled": "smaller ones count as one",
    "cannot_tell": "smaller ones leave the whole open",
}
Prose = Annotated[str, StringConstraints(min_length=20, max_length=2000, strip_whitespace=True)]


class EthicalLimit(Checked):
    """From which difference in a metric between groups somebody has to look.

    `ratio` is the lowest value divided by the highest: 1 = all alike, to stay at or above `limit`.
    `difference` is the highest minus the lowest: 0 = all alike, to stay at or below `limit`. Both are
    shares and have no unit. A rate is a share already. An error is in the unit of the label, so its
    difference is counted in shares of `measured_in`, taken over everybody: a limit set for prices in euros
    then holds for ages in years. No limit makes a model just.

    Groups under `min_rows` rows are not judged one by one: `small_groups` says whether they are left out by
    name, count together as one, or leave the whole open. `rows` says whether predictions are a sample, so
    that chance is allowed for, or all there are, so that the values themselves decide.
    """

    metric: Metric
    comparison: Literal["ratio", "difference"]
    limit: Annotated[float, Field(gt=0, le=1)]
    min_rows: Annotated[int, Field(ge=1)]
    small_groups: Literal["left_out", "pooled", "cannot_tell"] = "cannot_tell"
    rows: Literal["sample", "all"] = "sample"
    why: Text

    @model_validator(mode="after")
    def _has_a_ratio(self) -> EthicalLimit:
        if self.metric == "mean_error" and self.comparison == "ratio":
            what = "a mean error has no ratio, since it may be negative or nought"
            raise refusal(("comparison",), what, "Use 'difference'.")
        return self

    @property
    def of_errors(self) -> bool:
        """Whether it limits a regression's errors rather than a rate."""
        return self.metric in ERRORS

    @property
    def measured_in(self) -> Literal["mean_absolute_error", "root_mean_squared_error"] | None:
        """The metric over everybody that a difference is a share of; None where it needs none.

        A mean error is measured in mean absolute errors: its own mean over everybody may be nought.
        """
        if self.comparison == "ratio" or not self.of_errors:
            return None
        root = self.metric == "root_mean_squared_error"
        return "root_mean_squared_error" if root else "mean_absolute_error"

    def in_units(self, overall: float | None = None) -> float | None:
        """The limit in the metric's own unit, as `core.analytics.slices.report.Limit` takes it.

        Parameters
        ----------
        overall
            Value of `measured_in` over everybody; not looked at where that is None.

        Returns
        -------
        float or None
            None where `overall` is needed and undefined or nought: then nobody can tell.

        Examples
        --------
        >>> rule = {"metric": "mean_error", "comparison": "difference", "limit": 0.5, "min_rows": 100}
        >>> EthicalLimit(**rule, why="…").in_units(12.0)
        6.0
        """
        if self.measured_in is None:
            return self.limit
        return self.limit * overall if overall else None

    @property
    def groups(self) -> str:
        """Which groups it judges, as people read it."""
        whole = "; the rows are all there are" if self.rows == "all" else ""
        return f"groups from {self.min_rows} rows, {_SMALL[self.small_groups]}{whole}"

    @property
    def sentence(self) -> str:
        """The limit as people read it."""
        return self.said()

    def said(self, outcome: str = "") -> str:
        """The same, of the outcome that the metric is of.

        Examples
        --------
        >>> limit = EthicalLimit(metric="selection_rate", comparison="ratio", limit=0.8, min_rows=9, why="-")
        >>> limit.said("outcome Approve")
        'the lowest selection rate of outcome Approve is at least 0.8 of the highest'
        """
        metric = self.metric.replace("_", " ") + (f" of {outcome}" if outcome else "")
        if self.comparison == "ratio":
            return f"the lowest {metric} is at least {self.limit:g} of the highest"
        if self.measured_in is None:
            return f"the highest {metric} is at most {100 * self.limit:g} points above the lowest"
        overall = f"{100 * self.limit:g} % of the overall {self.measured_in.replace('_', ' ')}"
        return f"the highest {metric} is above the lowest by at most {overall}"


class EvaluationLimit(Checked):
    """What evaluation sets are held to: a least pass rate, and how far categories of cases may be apart.

    Both are shares without a unit. `least_pass_rate` holds for all cases and for each category; of the
    categories of one column, the highest pass rate is at most `largest_gap` above the lowest. Categories
    under `min_cases` cases are not judged one by one: see `small_groups` of `EthicalLimit`.
    """

    least_pass_rate: Annotated[float, Field(gt=0, le=1)]
    largest_gap: Annotated[float, Field(gt=0, le=1)]
    min_cases: Annotated[int, Field(ge=1)]
    small_categories: Literal["left_out", "pooled", "cannot_tell"] = "cannot_tell"
    why: Text

    @property
    def sentence(self) -> str:
        """The limit as people read it."""
        return (
            f"at least {100 * self.least_pass_rate:g} % of cases pass, in every category too, and the best "
            f"category is at most {100 * self.largest_gap:g} points above the worst"
        )

    @property
    def groups(self) -> str:
        """Which categories it judges, as people read it."""
        return f"categories from {self.min_cases} cases, {_SMALL[self.small_categories]}"


class GroupThresholds(Checked):
    """Whether the score from which somebody gets an outcome may depend on their group, and why."""

    rule: Literal["forbidden", "allowed"]
    why: Text

    @property
    def sentence(self) -> str:
        """The rule as people read it."""
        return f"thresholds by group are {self.rule}: {self.why}"


_NOT_SAID = GroupThresholds(
    rule="forbidden",
    why="To hold people to different scores by their group is to treat them differently.",
)


class Domain(Checked):
    """A business domain with its own limits; `regression` holds where a model gives a number.

    `evaluation` is the one on evaluation sets where it is another than the default.
    """

    id: Id
    title: Text
    limit: EthicalLimit
    regression: EthicalLimit | None = None
    group_thresholds: GroupThresholds | None = None
    evaluation: EvaluationLimit | None = None

    @model_validator(mode="after")
    def _each_limit_fits(self) -> Domain:
        _require_kind(("limit", "metric"), self.limit, RATES)
        _require_kind(("regression", "metric"), self.regression, ERRORS)
        return self


class Answer(Checked):
    """What the organisation answers to one of the five questions.

    `aspects` names in a few words each what the answer counts in; `stance` is what follows from it.
    """

    id: QuestionId
    question: Text
    aspects: tuple[Text, ...] = ()
    stance: Prose


class TransparencyLevel(Checked):
    """How much those concerned are told; `measure` is the measure of the policy that shows it, if any."""

    id: Id
    title: Text
    demands: Text
    measure: Id | None = None


class Transparency(Checked):
    """Levels from the least to the most, and which one a risk class and a business domain demand at least."""

    levels: Annotated[tuple[TransparencyLevel, ...], Field(min_length=2)]
    classes: dict[Id, Id]
    domains: dict[Id, Id] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_levels(self) -> Transparency:
        known = [level.id for level in self.levels]
        for place, level in enumerate(known):
            if level in known[:place]:
                raise refusal(
                    ("levels", place, "id"), f"level '{level}' is listed twice", "Keep one of them."
                )
        for name, demanded in (("classes", self.classes), ("domains", self.domains)):
            for key, level in demanded.items():
                if level not in known:
                    what = f"'{level}' is no level of transparency"
                    raise refusal((name, key), what, f"Use one of: {', '.join(known)}.")
        return self


class Ethics(Checked):
    """The ethical position, from `config/ethics.yaml`; versioned, since verdicts and decisions name it."""

    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]
    title: Text
    answers: tuple[Answer, ...]
    transparency: Transparency
    default: EthicalLimit
    default_regression: EthicalLimit
    group_thresholds: GroupThresholds = _NOT_SAID
    evaluation: EvaluationLimit | None = None
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Ethics:
        _require_kind(("default", "metric"), self.default, RATES)
        _require_kind(("default_regression", "metric"), self.default_regression, ERRORS)
        _require_once("domains", "domain", [domain.id for domain in self.domains])
        _require_once("answers", "question", [answer.id for answer in self.answers])
        for question in QUESTIONS:
            if all(answer.id != question for answer in self.answers):
                what = f"question '{question}' is not answered"
                raise refusal(("answers",), what, "Add the answer: all five belong to a position.")
        known = [domain.id for domain in self.domains]
        for domain in self.transparency.domains:
            if domain not in known:
                what = f"'{domain}' is not a known domain"
                raise refusal(("transparency", "domains", domain), what, f"Use one of: {', '.join(known)}.")
        return self

    def limit_for(self, domain_id: str, task: Task = "binary") -> EthicalLimit:
        """The limit of a business domain for a task; the default where the domain has none of its own.

        With several classes, the limit on a rate holds for one class against all others.
        """
        domain = next((domain for domain in self.domains if domain.id == domain_id), None)
        if task == "regression":
            return (domain.regression if domain else None) or self.default_regression
        return domain.limit if domain else self.default

    def limit_in_words(self, domain_id: str, task: Task) -> str:
        """All that the limit of a business domain for a task says."""
        return _words(self.limit_for(domain_id, task))

    def group_thresholds_for(self, domain_id: str) -> GroupThresholds:
        """Whether thresholds may differ by group in a business domain; the default where it does not say."""
        domain = next((domain for domain in self.domains if domain.id == domain_id), None)
        return (domain and domain.group_thresholds) or self.group_thresholds

    def evaluation_for(self, domain_id: str) -> EvaluationLimit | None:
        """What evaluation sets of a business domain are held to; None where the position does not say."""
        domain = next((domain for domain in self.domains if domain.id == domain_id), None)
        return (domain and domain.evaluation) or self.evaluation

    def transparency_for(self, class_id: str, domain_id: str) -> TransparencyLevel:
        """The level that an initiative has to reach: its class's or its domain's, whichever is more."""
        wanted = {self.transparency.classes.get(class_id), self.transparency.domains.get(domain_id)}
        levels = self.transparency.levels
        return next((level for level in reversed(levels) if level.id in wanted), levels[0])

    def domain_title(self, domain_id: str) -> str:
        """Name of a domain as people read it."""
        return next((domain.title for domain in self.domains if domain.id == domain_id), domain_id)


def ethics_faults(ethics: Ethics, policy: Policy) -> tuple[Fault, ...]:
    """Find what does not fit the policy: classes without a level, classes and measures that there are not."""
    faults = []
    for class_id in policy.class_order:
        if class_id not in ethics.transparency.classes:
            what = f"class '{class_id}' has no level of transparency"
            faults.append(Fault(("transparency", "classes"), what, f"Add '{class_id}: LEVEL'."))
    for class_id in ethics.transparency.classes:
        if class_id not in policy.class_order:
            remedy = f"Use one of: {', '.join(policy.class_order)}."
            path = ("transparency", "classes", class_id)
            faults.append(Fault(path, f"'{class_id}' is not a known class", remedy))
    for place, level in enumerate(ethics.transparency.levels):
        if level.measure is not None and level.measure not in policy.measures:
            at: Path = ("transparency", "levels", place, "measure")
            remedy = "Name a measure of the policy, or leave it out."
            faults.append(Fault(at, f"'{level.measure}' is no measure of the policy", remedy))
    return tuple(faults)


def _require_once(name: str, kind: str, ids: list[str]) -> None:
    for place, one in enumerate(ids):
        if one in ids[:place]:
            raise refusal((name, place, "id"), f"{kind} '{one}' is listed twice", "Keep one of them.")


def _require_kind(path: tuple[str, ...], limit: EthicalLimit | None, known: tuple[str, ...]) -> None:
    if limit is not None and limit.metric not in known:
        kind = "an error of a regression" if known is ERRORS else "a rate of a classification"
        what = f"'{limit.metric}' is not {kind}"
        raise refusal(path, what, f"Use one of: {', '.join(known)}.")


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
    yield from _limit("evaluation sets", old.evaluation, new.evaluation)
    before = {domain.id: domain for domain in old.domains}
    after = {domain.id: domain for domain in new.domains}
    for gone in (domain for domain in old.domains if domain.id not in after):
        yield f"{gone.title} is no domain of its own any more"
    for domain in new.domains:
        yield from _domain(before.get(domain.id), domain)
        was, now = (position.group_thresholds_for(domain.id).rule for position in (old, new))
        if was != now:
            yield f"{domain.title}: thresholds by group are {now} (before: {was})"


def _domain(was: Domain | None, now: Domain) -> Iterator[str]:
    if was is None:
        yield f"{now.title} is a new domain: {now.limit.sentence}"
        return
    yield from _limit(now.title, was.limit, now.limit)
    yield from _limit(f"{now.title}, regressions", was.regression, now.regression)
    yield from _limit(f"{now.title}, evaluation sets", was.evaluation, now.evaluation)


def _limit(
    name: str, was: EthicalLimit | EvaluationLimit | None, now: EthicalLimit | EvaluationLimit | None
) -> Iterator[str]:
    said = [_words(limit) for limit in (was, now)]
    if said[0] != said[1]:
        yield f"{name}: {said[1]} (before: {said[0]})"


def _words(limit: EthicalLimit | EvaluationLimit | None) -> str:
    if limit is None:
        return "the default holds"
    return f"{limit.sentence}, {limit.groups}"
