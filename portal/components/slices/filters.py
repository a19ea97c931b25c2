"""Which rows are sliced: filters as a path that leads back, and the box that adds or takes away one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.rows import Condition, Operator, read_condition
from core.analytics.slices.significance import CORRECTIONS, TEST_NAMES
from core.domain.errors import BadInput
from portal.components.charts.slices import SliceMark
from portal.components.text import NOTHING, escape, humanise, number, percent, points
from portal.components.url_inputs import set_url, url_values

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.analytics.slices.metrics import MetricDefinition
    from core.analytics.slices.report import SliceLine, SliceReport
    from core.services.measured.bias import SliceChoices
    from core.services.measured.slice_batches import MonitoredVersion
    from portal.components.desk import Desk


def mark_of(line: SliceLine, verdict: str | None) -> SliceMark:
    """A slice as it is drawn."""
    return SliceMark(line.label, line.n, line.value, line.low, line.high, verdict)


def level(metric: MetricDefinition, value: float | None) -> str:
    """A value of the metric."""
    if value is None:
        return "undefined"
    return percent(value, 1) if metric.is_share else number(value, places(value))


def difference(metric: MetricDefinition, value: float | None) -> str:
    """A difference of two values of the metric, without its sign."""
    if value is None:
        return NOTHING
    return f"{number(value * 100, 1)} points" if metric.is_share else number(value, places(value))


def signed(metric: MetricDefinition, value: float | None) -> str:
    """A difference of two values of the metric, with its sign."""
    if value is None:
        return NOTHING
    return points(value) if metric.is_share else ("+" if value > 0 else "") + number(value, places(value))


def interval_words(metric: MetricDefinition, value: float | None, interval: Interval | None) -> str:
    """An interval from end to end."""
    if value is None:
        return "undefined"
    if interval is None:
        return NOTHING
    return f"{level(metric, interval.low)} to {level(metric, interval.high)}"


def chance(p_value: float | None) -> str:
    """A p value as people read it."""
    if p_value is None:
        return NOTHING
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def places(value: float) -> int:
    """Decimals that leave about three figures to read."""
    size = math.floor(math.log10(abs(value))) if value else 0
    return min(max(2 - size, 0), 4)


def axis_format(metric: MetricDefinition, largest: float) -> tuple[str, int]:
    """How a chart writes values: per cent or plain, and the decimals."""
    return ("%", 1) if metric.is_share else ("f", places(largest))


def metric_notes(metric: MetricDefinition) -> tuple[str, ...]:
    """What the metric means, one sentence each."""
    return (
        *metric.notes,
        f"Interval: 95% each, {metric.interval}.",
    )


def report_notes(report: SliceReport) -> tuple[str, ...]:
    """What the figures of a report mean, one sentence each."""
    correction = CORRECTIONS[report.correction]
    return (
        *metric_notes(report.metric),
        "Difference: the slice's value minus the reference's; 0 means alike. Ratio: over the reference's; 1 "
        "means alike. Intervals of differences: Newcombe 1998, Zou and Donner 2008.",
        f"Test: {TEST_NAMES[report.metric.form]}; two-sided, of each slice with enough rows against the "
        "reference.",
        f"Correction: {correction}, for the {report.tested:,} slices tested; too small ones are not tested.",
        "Verdicts allow for all slices that are held against each other, whichever looks best or worst.",
        "No figure here shows that a model is just; it shows how far slices are apart.",
    )


_NAMES: dict[Operator, str] = {"=": "is", "!=": "is not", ">=": "at least", "<=": "at most"}
_SIGNS: dict[Operator, str] = {"=": ":", "!=": " is not", ">=": " ≥", "<=": " ≤", ">": " >", "<": " <"}
_COLUMNS = ("y_pred", "y_true", "y_score")


@dataclass(frozen=True)
class Subject:
    """What is sliced: a version, what there is to choose, and the filters of the address."""

    desk: Desk
    known: MonitoredVersion
    choices: SliceChoices
    conditions: tuple[Condition, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        """Features that a filter leaves one value of, so that nothing is left to slice by."""
        equal = [each.feature for each in self.conditions if each.operator == "="]
        return tuple(name for name in dict.fromkeys(equal) if equal.count(name) == 1)

    @property
    def free(self) -> tuple[str, ...]:
        """The features that are left to slice by."""
        return tuple(each.name for each in self.choices.features if each.name not in self.fixed)


def subject_of(desk: Desk, known: MonitoredVersion, choices: SliceChoices) -> Subject:
    """Read the filters from the address, in their order.

    Raises
    ------
    BadInput
        The address names a feature that these predictions do not have.
    """
    names = (*(feature.name for feature in choices.features), *_COLUMNS)
    try:
        conditions = tuple(read_condition(text, names) for text in url_values("where"))
    except ValueError as error:
        raise BadInput(str(error), where="address", remedy="Start over.") from error
    return Subject(desk, known, choices, conditions)


def path_line(subject: Subject) -> None:
    """Draw the filters as a path; each step leads back to it."""
    steps = _steps(subject.conditions)
    if not steps:
        return
    titles = ["All rows", *(_title(group) for group in steps)]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, title in enumerate(titles[:-1]):
            back = [each.text for group in steps[:place] for each in group]
            first_cut_off = steps[place][0].feature
            if st.button(escape(title), type="tertiary", key=f"path-{place}", icon=":material/arrow_back:"):
                set_url(where=back, by=[first_cut_off], against="", view="")
                st.rerun()
            st.caption("›", width="content")
        st.markdown(f"**{escape(titles[-1])}**", width="content")


def filter_box(subject: Subject, values: Callable[[str], Sequence[str]]) -> None:
    """Draw the box that adds a filter or takes one away; `values` gives the slices of a feature."""
    conditions = subject.conditions
    words = f"Filter ({len(conditions)})" if conditions else "Filter"
    with st.popover(words, icon=":material/filter_alt:", key="filter-box"):
        for place, each in enumerate(conditions):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.markdown(escape(_title([each])), width="stretch")
                if st.button("Remove", key=f"unfilter-{place}", icon=":material/close:", type="tertiary"):
                    left = [one.text for at, one in enumerate(conditions) if at != place]
                    set_url(where=left, against="")
                    st.rerun()
        _new_filter(subject, values)


def _new_filter(subject: Subject, values: Callable[[str], Sequence[str]]) -> None:
    features = {feature.name: feature for feature in subject.choices.features}
    name = st.selectbox(
        "Keep rows where",
        list(features),
        format_func=humanise,
        key="filter-feature",
        index=None,
        placeholder="Choose a feature",
    )
    if name not in features:
        return
    signs: list[Operator] = [">=", "<=", "=", "!="] if features[name].numeric else ["=", "!="]
    sign = st.selectbox("Comparison", signs, format_func=_NAMES.__getitem__, key=f"filter-sign-{name}")
    if sign in (">=", "<="):
        number = st.number_input("Number", value=None, key=f"filter-number-{name}", format="%g")
        chosen = [] if number is None else [f"{number:.15g}"]
    else:
        chosen = st.multiselect("Values", list(values(name)), key=f"filter-values-{name}")
    if st.button("Keep these rows", key="filter-add", type="primary", disabled=not chosen):
        added = [Condition(name, sign, value).text for value in chosen]
        set_url(where=[*(each.text for each in subject.conditions), *added], against="")
        st.rerun()


def drill_into(subject: Subject, lines: Iterable[SliceLine], clicked: str | None, metric: str) -> None:
    """Go into the slice that was clicked: keep only its rows, and slice them by the next feature."""
    keys = next((line.keys for line in lines if line.label == clicked), None)
    if keys is None:
        return
    taken = [*subject.conditions, *(Condition(feature, "=", value) for feature, value in keys)]
    following = [name for name in subject.free if name not in dict(keys)]
    if not following:
        st.toast("There is no further feature to slice by.", icon=":material/info:")
        return
    told = "" if metric == subject.choices.rule.metric else metric
    where = list(dict.fromkeys(each.text for each in taken))
    set_url(where=where, by=following[:1], against="", view="", metric=told)
    st.rerun()


def _steps(conditions: Sequence[Condition]) -> list[list[Condition]]:
    """The filters, those that allow several values of one feature together."""
    steps: dict[object, list[Condition]] = {}
    for place, each in enumerate(conditions):
        steps.setdefault(each.feature if each.operator == "=" else place, []).append(each)
    return list(steps.values())


def _title(group: Sequence[Condition]) -> str:
    values = " or ".join(each.value for each in group)
    return f"{humanise(group[0].feature)}{_SIGNS[group[0].operator]} {values}"
