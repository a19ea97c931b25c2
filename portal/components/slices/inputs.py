"""What to slice: the choices on version, features, metric, reference and view, all kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.rows import CutKind, CutRule, read_cut_rule
from core.services.measured import bias
from portal.components.slices.filters import Subject, filter_box
from portal.components.text import humanise
from portal.components.url_inputs import set_url, url_choice, url_choices, url_value, url_values

if TYPE_CHECKING:
    from core.analytics.slices.report import SliceReport
    from core.analytics.slices.significance import Correction
    from core.services.measured.bias import SliceChoices
    from core.services.measured.slice_batches import MonitoredVersion
    from core.services.measured.weak_slices import Sought

ICON = ":material/balance:"
PARTS = {"analysis": "In use (analysis)", "reference": "Before use (reference)", "all": "Both"}
REFERENCES = {"best": "The best slice", "largest": "The largest slice", "overall": "Everyone"}
VIEWS = {
    "slices": "Slices",
    "weakest": "Where is it weakest?",
    "curves": "ROC and calibration",
    "versions": "Version beside version",
    "trade-off": "What would it take?",
}
SOUGHT = {"value": "The worst value", "gap": "The widest gap", "decay": "The deepest fall"}
CORRECTIONS: dict[Correction, str] = {
    "holm": "Holm: hardly one false alarm",
    "benjamini_hochberg": "Benjamini-Hochberg: few of the alarms false",
    "none": "None: each as if alone",
}
VIEW = (
    *("by", "metric", "part", "against", "class", "where", "cut", "since", "until"),
    *("correction", "view", "other", "among", "depth", "of", "between", "kept"),
)
"""Names in the address that make the view of one version."""
MOST_FEATURES = 6


def version_input(versions: Sequence[MonitoredVersion], known: MonitoredVersion) -> None:
    """Let people choose another model version; the view of this one is let go."""
    titles = {f"{one.initiative}/{one.version}": f"{one.name}, version {one.version}" for one in versions}
    st.session_state["model"] = f"{known.initiative}/{known.version}"
    st.selectbox(
        "Model version",
        list(titles),
        key="model",
        format_func=lambda one: titles[one],
        on_change=_to_address,
        width=390,
    )


def _to_address() -> None:
    initiative, _, version = st.session_state["model"].partition("/")
    set_url(id=initiative, version=version, **dict.fromkeys(VIEW, ""))


def view_input() -> str:
    """Let people choose what to look at: slices by choice, the weakest ones, or two versions."""
    value = url_value("view", "slices")
    value = value if value in VIEWS else "slices"
    st.session_state["slice-view"] = value
    st.segmented_control(
        "View",
        list(VIEWS),
        key="slice-view",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        on_change=_to_view,
    )
    return value


def _to_view() -> None:
    chosen = st.session_state["slice-view"] or "slices"
    set_url(view="" if chosen == "slices" else chosen)


def part_of(choices_parts: Sequence[str] = ()) -> str:
    """The kind of batch that the address names, as services take it; empty means both."""
    asked = url_value("part", choices_parts[0] if choices_parts else "")
    return "" if asked == "all" else asked


def features_input(subject: Subject, *, first: str = "", width: int = 320) -> tuple[str, ...]:
    """Let people choose up to six features to slice by, of those that no filter fixes; by default `first`."""
    free = feature_titles(subject)
    return url_choices(
        "Slice by",
        free,
        "by",
        default=(first,) if first else tuple(free)[:1],
        most=MOST_FEATURES,
        placeholder="Up to six features",
        help="Several features make a slice of each combination of their values. Sensitive ones stand first.",
        clears=("against",),
        width=width,
    )


def among_input(subject: Subject, most: int) -> tuple[str, ...]:
    """Let people narrow a search to some features; none chosen means the first ones there are."""
    return url_choices(
        "Search among",
        feature_titles(subject),
        "among",
        most=most,
        placeholder=f"All features, up to {most}",
        help="Every intersection of these features is searched. Sensitive ones stand first.",
        width=240,
    )


def sought_input(subject: Subject) -> tuple[Sought, str]:
    """Let people choose what a search looks for, and between the groups of which feature."""
    of = url_choice("Look for", SOUGHT, "of", default="value", width=200)
    if of != "gap":
        return ("decay" if of == "decay" else "value"), ""
    titles = feature_titles(subject)
    first = next((name for name in subject.choices.batches.sensitive if name in titles), next(iter(titles)))
    return "gap", url_choice("Between the groups of", titles, "between", default=first, width=190)


def depth_input() -> int:
    """Let people say how many conditions a slice that is searched for may have."""
    titles = {
        str(depth): f"Up to {depth} conditions" if depth > 1 else "One condition" for depth in range(1, 7)
    }
    return int(url_choice("Intersections", titles, "depth", default="3", width=170))


def feature_titles(subject: Subject) -> dict[str, str]:
    """The features that can be sliced by, with their names on screen."""
    sensitive = subject.choices.batches.sensitive
    return {name: humanise(name) + (" (sensitive)" if name in sensitive else "") for name in subject.free}


def metric_input(choices: SliceChoices, *, default: str = "") -> str:
    """Let people choose what is measured; unless told, what the ethical position limits."""
    metrics = {metric.id: metric.title for metric in choices.metrics}
    help_text = "Explained below the chart."
    return url_choice(
        "Metric", metrics, "metric", default=default or choices.rule.metric, help=help_text, width=190
    )


def outcome_input(choices: SliceChoices, first: str | None = None) -> str:
    """Let people choose the outcome that is held against all others; empty for a model of numbers."""
    if not choices.classes:
        return ""
    titles = {name: humanise(name) for name in choices.classes}
    help_text = "One outcome against all others; the favourable one, where one was declared."
    default = first or choices.batches.outcome() or ""
    return url_choice("Outcome", titles, "class", default=default, help=help_text, width=200)


def part_input(choices: SliceChoices) -> None:
    """Let people choose the kind of batch where there is more than one."""
    if len(choices.parts) < 2:
        return
    titles = {name: PARTS.get(name, humanise(name)) for name in (*choices.parts, "all")}
    url_choice(
        "Predictions", titles, "part", default=choices.parts[0], clears=("where", "against"), width=180
    )


def reference_input(report: SliceReport) -> None:
    """Let people choose what the slices are held against: a rule, or one of the slices."""
    titles = {**REFERENCES, **{figures.label: figures.label for figures in report.slices}}
    url_choice(
        "Held against",
        titles,
        "against",
        default="best",
        help="The best slice is the one with the best value among those with enough rows.",
        width=240,
    )


@dataclass(frozen=True)
class Asked:
    """What all looks ask for, by the names of the services."""

    initiative: str
    version: str
    part: str
    positive: str
    where: tuple[str, ...]
    cuts: tuple[str, ...]
    since: str
    until: str


def common_inputs(subject: Subject, by: Sequence[str], *, outcome: str | None = None) -> Asked:
    """Draw the choices that all looks share, and read them from the address."""
    choices, known = subject.choices, subject.known
    positive = outcome_input(choices, outcome)
    part_input(choices)
    part, cuts = part_of(choices.parts), url_values("cut")
    asked = Asked(
        known.initiative,
        known.version,
        part,
        positive,
        url_values("where"),
        cuts,
        url_value("since"),
        url_value("until"),
    )

    def values(feature: str) -> Sequence[str]:
        of_version = {"initiative": asked.initiative, "version": asked.version, "part": part}
        return subject.desk.ask(bias.slice_values, **of_version, feature=feature, cuts=cuts)

    filter_box(subject, values)
    cuts_box(choices, by)
    tests_box(choices)
    return asked


def correction_asked() -> Correction:
    """How p values are corrected; Holm unless the address knows better."""
    return next((known for known in CORRECTIONS if known == url_value("correction")), "holm")


_KINDS: dict[str, str] = {
    "": "As it comes",
    "quantiles": "Equally many rows a band",
    "bands": "Equally wide bands",
    "width": "Bands of a width",
    "at": "Own cuts",
    "values": "Each value",
}
_ASKED = {"quantiles": "Bands", "bands": "Bands", "width": "Width", "at": "Cuts, by commas"}
_FIRST = {"quantiles": "5", "bands": "5", "width": "10"}
_AWAITED = "cut-awaited"


def cuts_box(choices: SliceChoices, by: Sequence[str]) -> None:
    """Draw the box that says how each number among the features is cut; nothing without a number."""
    numbers = [feature for feature in choices.features if feature.numeric and feature.name in by]
    if not numbers:
        return
    with st.popover("Bands", icon=":material/straighten:", key="cuts-box"):
        st.caption("Bands lie over all rows, so that they keep their names whatever is filtered.")
        for feature in numbers:
            _cut_input(feature.name)


def _cut_input(feature: str) -> None:
    rule = _rules().get(feature)
    kind_key, text_key = f"cut-kind-{feature}", f"cut-text-{feature}"
    awaited = st.session_state.get(_AWAITED) == feature
    kind = "at" if awaited else rule.kind if rule else ""
    st.session_state[kind_key] = kind
    st.selectbox(
        humanise(feature),
        list(_KINDS),
        key=kind_key,
        format_func=_KINDS.__getitem__,
        help="As it comes: a number of many values in five bands of equally many rows, else each value.",
        on_change=_cut_by_kind,
        args=(feature,),
    )
    if kind not in _ASKED:
        return
    known = () if rule is None or awaited else rule.numbers
    st.session_state[text_key] = ", ".join(f"{number:.15g}" for number in known)
    st.text_input(
        f"{_ASKED[kind]} of {humanise(feature).lower()}",
        key=text_key,
        placeholder="30, 45, 60" if kind == "at" else "",
        on_change=_cut,
        args=(feature,),
    )


def _cut_by_kind(feature: str) -> None:
    kind: CutKind | str = st.session_state[f"cut-kind-{feature}"]
    st.session_state.pop(_AWAITED, None)
    if kind == "at":  # nothing is cut before somebody says where
        st.session_state[_AWAITED] = feature
        return
    first = _FIRST.get(kind, "")
    _write(feature, f"{feature}={kind}" + (f":{first}" if first else "") if kind else "")


def _cut(feature: str) -> None:
    kind = st.session_state[f"cut-kind-{feature}"]
    st.session_state.pop(_AWAITED, None)
    _write(feature, f"{feature}={kind}:{st.session_state[f'cut-text-{feature}'].replace(' ', '')}")


def _write(feature: str, text: str) -> None:
    """Put a rule into the address; one that cannot be read is left to the page, which says what is wrong."""
    others = [rule.text for name, rule in _rules().items() if name != feature]
    kept = [condition for condition in url_values("where") if not condition.startswith(f"{feature}=")]
    set_url(cut=[*others, *([text] if text else [])], where=kept, against="")


def _rules() -> dict[str, CutRule]:
    found = {}
    for text in url_values("cut"):
        try:
            rule = read_cut_rule(text)
        except ValueError:
            continue
        found[rule.feature] = rule
    return found


def tests_box(choices: SliceChoices) -> None:
    """Draw the box on the time window and on how p values are corrected."""
    with st.popover("More", icon=":material/tune:", key="tests-box"):
        if choices.first_day:
            st.caption("Days are in UTC, both included; predictions without a time are then left out.")
            with st.container(horizontal=True):
                _day_input("From", "since")
                _day_input("To", "until")
        else:
            st.caption("These predictions carry no time, so there is no window to choose.")
        url_choice(
            "Correction for many slices",
            dict(CORRECTIONS.items()),
            "correction",
            default="holm",
            help="Of p values, for the number of slices tested.",
        )


def _day_input(label: str, param: str) -> None:
    key = f"day-{param}"
    st.session_state[key] = _day(url_value(param))
    st.date_input(label, key=key, format="YYYY-MM-DD", on_change=_keep_day, args=(param,), width=150)


def _keep_day(param: str) -> None:
    chosen = st.session_state[f"day-{param}"]
    set_url(**{param: chosen.isoformat() if chosen else ""})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
