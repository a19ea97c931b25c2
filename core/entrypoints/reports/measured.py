"""What the command line prints of measurements: predictions, slices, drift, explanations, business KPIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.analytics.decay.metrics import decay_metric
from core.analytics.slices.metrics import MetricDefinition
from core.analytics.slices.report import tested_by
from core.domain.policy.checks import TRUSTED_BY
from core.entrypoints.reports import evaluations
from core.entrypoints.reports.printing import (
    NONE,
    Column,
    counted,
    dashed,
    ends,
    figure,
    minute,
    say,
    share,
    show_rows,
    show_table,
    words,
)
from core.ground import Result, outcome_title, read_back
from core.services.measured.bias import BiasSlices, VersionsCompared
from core.services.measured.decay_groups import CALIBRATED_ON
from core.services.measured.trade_off import TradeOffReport
from core.services.measured.weak_slices import ScoreCurves, WeakSlices

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.analytics.slices.fairness import FairnessMeasure
    from core.analytics.slices.report import SliceFigures


def show_explanation(result: Result) -> None:
    """The whole model, or what was asked in particular."""
    where = f"{result['initiative']} version {result['version']}"
    say(
        f"{where}: {result['rows']:,} of {result['batch_rows']:,} {result['part']} rows explained, "
        f"in {result['scale_title']} ({result['method']})."
    )
    gap = result["additivity_gap"]
    sums = "without a base value, so sums cannot be checked" if gap is None else f"sums meet within {gap:.1g}"
    say(f"Base value {figure(result['base_value'])}; {sums}.")
    if "prediction" in result:
        _show_prediction(result["prediction"])
    if "along" in result:
        _show_along(result["along"])
    if "apart" in result:
        _show_apart(result["apart"])
    if not {"prediction", "along", "apart"} & set(result):
        _show_features(result)


def _show_features(result: Result) -> None:
    columns: Mapping[str, Column] = {
        "Rank": "rank",
        "Feature": ("feature", words),
        "Mean strength": ("mean_absolute", figure),
        "Mean push": ("mean_signed", figure),
        "Share of all": ("share", share),
    }
    show_rows(result["features"], columns, right=(2, 3, 4))


def _show_prediction(found: Result) -> None:
    steps = found["waterfall"]
    answer = "" if steps["output"] is None else f", answer {figure(steps['output'])}"
    say(f"Row {found['row_id']}: raw score {figure(steps['raw_score'])}{answer}.")
    base = {
        "feature": "base value",
        "contribution": None,
        "end": steps["base_value"],
        "output_change": None,
    }
    columns: Mapping[str, Column] = {
        "Feature": lambda step: words(step["feature"]) if step["feature"] else f"{step['folded']} others",
        "Value": ("feature", found["values"].get),
        "Contribution": ("contribution", _signed),
        "Score so far": ("end", figure),
        "Moves the answer by": ("output_change", _signed),
    }
    show_rows([base, *steps["steps"]], columns, right=(2, 3, 4))
    if steps["gap"] is not None:
        say(f"Base and contributions miss the score by {abs(steps['gap']):.1g}.")


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+.4f}"


def _show_along(found: Result) -> None:
    lines = [
        (one["label"], counted(one["rows"]), figure(one["mean"]), ends(one["p10"], one["p90"]))
        for one in found["points"]
    ]
    headings = (words(found["feature"]), "Rows", "Mean contribution", "Eight in ten from, to")
    show_table(headings, lines, right=(1, 2))


def _show_apart(found: Result) -> None:
    gap = found["gap"]
    first, second = gap["first"], gap["second"]
    say(
        f"{words(found['by'])}: {first['name']} ({first['rows']:,} rows) minus {second['name']} "
        f"({second['rows']:,} rows); mean raw scores differ by {gap['score_gap']:+.4f}."
    )
    lines = [
        (
            words(one["feature"]),
            figure(one["first"]),
            figure(one["second"]),
            _signed(one["gap"]),
            NONE if one["low"] is None else f"{_signed(one['low'])} to {_signed(one['high'])}",
        )
        for one in gap["features"]
    ]
    headings = ("Feature", first["name"], second["name"], "Difference", "95 % interval")
    show_table(headings, lines, right=(1, 2, 3))
    if not gap["enough"]:
        say("Cannot tell: a group has fewer than 30 explained rows.")


def show_kpi_list(result: Result) -> None:
    """The business KPIs of all initiatives, one a line."""
    columns: Mapping[str, Column] = {
        "Initiative": "title",
        "Business KPI": ("promise", lambda promise: promise["name"]),
        "Achieved": lambda kpi: amount(kpi["achieved"]["value"], kpi["promise"]["unit"]),
        "Target": ("promise", lambda promise: amount(promise["target"], promise["unit"])),
        "By": ("promise", lambda promise: promise["target_on"]),
        "Standing": ("achieved", lambda achieved: words(achieved["standing"])),
    }
    show_rows(result["kpis"], columns, right=(2, 3))


def show_kpis_in_full(result: Result) -> None:
    """The business KPIs of one initiative with what was observed."""
    if not result["kpis"]:
        say("No business KPI is promised.")
    for kpi in result["kpis"]:
        _show_kpi(kpi["promise"], kpi["achieved"], kpi["observations"])


def _show_kpi(promise: Result, achieved: Result, seen: Sequence[Result]) -> None:
    unit = promise["unit"]
    say(
        f"{promise['name']} ({promise['kpi']}): from {amount(promise['baseline'], unit)} on "
        f"{promise['baseline_on']} to {amount(promise['target'], unit)} by {promise['target_on']}."
    )
    say(f"{words(achieved['standing'])}: {achieved['sentence']}")
    columns: Mapping[str, Column] = {
        "Day": "observed_on",
        "Achieved": ("value", lambda value: "withdrawn" if value is None else amount(value, unit)),
        "Promised": ("promised", lambda value: amount(value, unit)),
        "": ("counts", lambda counts: "" if counts else "corrected since"),
        "Note": ("note", dashed),
        "By": "actor_name",
    }
    if seen:
        show_rows(seen, columns, right=(1, 2))


def amount(value: float | None, unit: str) -> str:
    """A value in its unit."""
    return NONE if value is None else f"{value:,.4g} {unit}".strip()


def show_slices(result: Result) -> None:
    """A slice report, a slice a line, and what it comes down to."""
    found = read_back(BiasSlices, result)
    report, of = found.report, found.batches
    what = f"{report.metric.title} by {' and '.join(words(feature) for feature in found.by)}"
    say(f"{what}: {of.initiative} version {of.version}, {of.rows:,} rows")
    lines = [
        (
            line.label,
            f"{line.n if of.weight else line.rows:,}",
            _value(line),
            _interval(line.interval),
            _apart(report.metric, line.gap),
            figure(line.ratio),
            _chance(line.adjusted_p),
            words(line.verdict) if line.verdict else NONE,
            "reference" if line.is_reference else line.note or NONE,
        )
        for line in (*report.slices, *report.pooled)
    ]
    rows = found.counted if of.weight else "Rows"
    headings = ("Slice", rows, "Value", "95 % interval", "Difference", "Ratio", "p", "Verdict", "Note")
    show_table(headings, lines, right=(1, 2, 3, 4, 5, 6))
    say(f"Overall: {figure(report.overall_value)} of {report.overall_n:,} {rows.lower()}.")
    say(f"Held against: {report.reference_label or NONE}. Interval: {found.interval_method}.")
    say(
        f"Of {report.tested:,} slices tested, {report.different:,} differ beyond chance "
        f"({tested_by(report)})."
    )
    for measure in found.fairness:
        say(f"{measure.definition.title}: {_fairness(measure)}")
    for sentence in found.unlike:
        say(sentence)
    if found.undeclared:
        say(f"Of {of.titled(found.positive)}: {found.undeclared}.")
    if report.limit:
        verdict = f"Verdict: {words(report.verdict)}. {report.note}"
        value = report.limit.value
        told = f"{value:g}" if report.limit.kind == "ratio" else report.metric.apart(value)
        say(f"Limit on the {report.limit.kind}: {told}. {verdict}")
    elif found.limit_note:
        say(f"Verdict: cannot tell; {found.limit_note}.")


def show_trade_off(result: Result) -> None:
    """What it would take to meet the limit, a way to decide a line; of single thresholds, every tenth."""
    found = read_back(TradeOffReport, result)
    table, about = found.table, found.table.about
    of = f"{outcome_title(about.outcome)} by {words(about.groups)}"
    say(f"{about.initiative} version {about.version}, {of}.")
    say(f"Limit: {about.limit}. Ethical position {about.ethical_position}: {about.law}")
    columns: Mapping[str, Column] = {
        "Way to decide": "title",
        "Apart": ("told", lambda told: figure(told["apart"])),
        "Verdict": ("told", lambda told: words(told["verdict"] or "not judged")),
        "Accuracy": ("told", lambda told: figure(told["accuracy"])),
        "Loss": ("told", lambda told: figure(told["loss"])),
        "From, to": ("told", lambda told: ends(*_low_high(told["loss_interval"]))),
    }
    seen = [place for place, point in enumerate(table.points) if point.kind != "one" or place % 10 == 1]
    show_rows([result["points"][place] for place in seen], columns, right=(1, 3, 4))
    say(f"Chosen on {table.fitted_rows:,} rows, told of {table.told_rows:,} others; --json has all.")
    for note in (*table.notes, table.said, found.stale and f"To be worked out again: {found.stale}."):
        if note:
            say(note)
    say(f"Kept as {found.found.sha256}.")


def _low_high(interval: Result | None) -> tuple[float | None, float | None]:
    return (interval["low"], interval["high"]) if interval else (None, None)


def show_weakest(result: Result) -> None:
    """The weakest slices, weakest first."""
    found = read_back(WeakSlices, result)
    search, of = found.found, found.batches
    what = {
        "value": "Weakest by",
        "gap": f"Widest gap by {words(found.between)} in",
        "decay": "Fallen most by",
    }
    say(f"{what[found.of]} {search.metric.name}: {of.initiative} version {of.version}")
    lines = [
        (
            line.label + (f" ({' against '.join(line.between)})" if found.of == "gap" else ""),
            f"{line.n:,}",
            figure(line.value),
            _interval(line.interval),
            _apart(search.metric, line.gap),
            _chance(line.adjusted_p),
        )
        for line in search.slices
    ]
    show_table(("Slice", "Rows", "Value", "95 % interval", "To overall", "p"), lines, right=(1, 2, 3, 4, 5))
    say(f"Overall: {figure(search.overall.value)} of {search.overall.n:,} rows.")
    say(
        f"Searched {search.searched:,} intersections of up to {search.max_conditions} of "
        f"{len(found.features)} features; {search.judged:,} with {search.min_rows:,} rows or more "
        "were measured. Intervals and p values allow for all searched (Bonferroni)."
    )
    if found.not_searched:
        say(f"Not searched, name them with --by: {', '.join(found.not_searched)}.")


def show_curves(result: Result) -> None:
    """Each group's area and calibration by bin; the points of the ROC curves are in the JSON."""
    found = read_back(ScoreCurves, result)
    of, grouped = found.batches, " and ".join(words(feature) for feature in found.by)
    say(f"Scores of {of.titled(found.positive)} by {grouped}: {of.initiative} version {of.version}")
    areas = [
        (
            each.label,
            f"{each.n:,}",
            f"{each.positives:,}",
            figure(each.area),
            _interval(each.interval),
            each.note,
        )
        for each in found.groups
    ]
    headings = ("Group", "Rows", "Positive", "Area under ROC", "95 % interval", "Note")
    show_table(headings, areas, right=(1, 2, 3, 4))
    bins = [
        (
            group.label,
            ends(each.low, each.high),
            f"{each.n:,}",
            figure(each.mean_score),
            figure(each.share),
            _interval(each.interval),
        )
        for group in found.groups
        for each in group.calibration
    ]
    headings = ("Group", "Scores", "Rows", "Mean score", "Share positive", "95 % interval")
    show_table(headings, bins, right=(2, 3, 4, 5))


def show_changes(result: Result) -> None:
    """The same slices under two versions."""
    found = read_back(VersionsCompared, result)
    now, other = found.now.batches, found.other.batches
    metric = found.now.report.metric
    say(f"{metric.title}: {now.initiative} version {now.version} beside {other.version}")
    lines = [
        (
            change.label,
            _value(change.now),
            _value(change.other),
            _apart(metric, change.change),
            " to ".join(_apart(metric, end) for end in _low_high_of(change.change_interval)) or NONE,
            _chance(change.adjusted_p),
            {True: "better", False: "worse", None: NONE}[change.better],
        )
        for change in found.changes
    ]
    headings = ("Slice", f"Version {now.version}", f"Version {other.version}", "Change")
    show_table((*headings, "95 % interval", "p", "Direction"), lines, right=(1, 2, 3, 4, 5))
    say(f"Beyond chance, by {tested_by(found.now.report)}: {found.better} better, {found.worse} worse.")


def _chance(p_value: float | None) -> str:
    if p_value is None:
        return NONE
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _interval(found: Interval | None) -> str:
    return ends(found.low, found.high) if found else NONE


def _value(line: SliceFigures | None) -> str:
    if line is None:
        return "no row"
    return "undefined" if line.value is None else figure(line.value)


def _low_high_of(found: Interval | None) -> tuple[float, ...]:
    return (found.low, found.high) if found else ()


def _apart(metric: MetricDefinition, value: float | None) -> str:
    return NONE if value is None else metric.apart(value)


def _fairness(measure: FairnessMeasure) -> str:
    if measure.value is None:
        return "undefined"
    between = f"{measure.low_label} against {measure.high_label}"
    verdict = "" if measure.verdict is None else f"; {words(measure.verdict)}"
    apart = measure.definition.id.endswith("difference")
    value = f"{100 * measure.value:.1f} points" if apart else figure(measure.value)
    return f"{value} ({between}){verdict}"


_MOST_FEATURES = 40
_REASONS = {
    "record": "Past estimates, mean error against the distance to the threshold",
    "assumption": "Assumption that P(y|x) is as it was: chance of as many outside the band",
    "calibration": "Calibration error on the reference",
    "thresholds": "Reference chunks behind the thresholds",
    "rows": "Half width of the band against twice the distance to the threshold",
}


def _state(chunk: Result) -> str:
    """In words: what came true worse, worse, different (NannyML's better side), or within the thresholds."""
    if chunk["chunk"] == "":
        return "no rows"
    if chunk["realised_worse"]:
        return "realised worse"
    return ("worse" if chunk["worse"] else "different") if chunk["alert"] else "within"


_CHUNKS: Mapping[str, Column] = {
    "Chunk": lambda chunk: f"{chunk['part']} {chunk['chunk']}".strip(),
    "From": "started_at",
    "Estimate": ("estimate", figure),
    "Band": lambda chunk: ends(chunk["lower_confidence"], chunk["upper_confidence"]),
    "Realised": ("realised", figure),
    "Thresholds": lambda chunk: ends(chunk["lower_threshold"], chunk["upper_threshold"]),
    "State": _state,
}
_GROUPS: Mapping[str, Column] = {
    "Group": "label",
    "Rows": ("rows", counted),
    "Usual": ("usual", figure),
    "Newest": ("newest", figure),
    "Threshold": ("threshold", figure),
    "Worse": lambda group: f"{group['worse']} of {group['judged']}" if group["judged"] else "cannot tell",
    "Decays from": ("decayed_from", lambda chunk: NONE if chunk is None else f"analysis {chunk}"),
    "Trust": lambda group: words(group["trust"]["verdict"]),
    "What that means": "held",
    "Calibrated on": ("calibrated", CALIBRATED_ON.__getitem__),
}
_BATCHES: Mapping[str, Column] = {
    "Added": ("recorded_at", minute),
    "Role": "part",
    "Rows": ("rows", counted),
    "With outcome": ("labelled", counted),
    "File": "source_name",
    "Notes": ("warnings", " ".join),
}
_FEATURES: Mapping[str, Column] = {
    "Feature": ("title", words),
    "Kind": "kind",
    "Share of model": ("share", share),
    "Drift": ("drift", figure),
    "Newest": ("newest", figure),
    "Threshold": ("threshold", figure),
    "Alerts": "alerts",
    "Now": ("newest_alert", {True: "alert", False: "no alert", None: "cannot tell"}.__getitem__),
}
_COLUMNS: Mapping[str, Column] = {
    "Column": ("feature", words),
    "Verdict": ("verdict", words),
    "Findings": ("findings", " ".join),
}


def show_decay(result: Result) -> None:
    """Decay estimates, a chunk a line, or a group a line where they are divided."""
    title = decay_metric(result["metric"]).title
    say(f"{title}, estimated by {result['procedure']}: {result['initiative']} version {result['version']}")
    if result["unestimated"]:
        lacking = decay_metric(result["unestimated"]).title
        say(f"The decay check looks at {lacking}, which the newest refresh left out: it cannot tell.")
    if result["newest_chunk"]:
        age = result["newest_chunk"]
        old = "chunk ended" if age["timed"] else "rows were added"
        say(f"The newest {old} {age['days']:,} days ago; the policy allows {age['allowed']:,}.")
    if result.get("groups"):
        _show_groups(result)
    else:
        _show_chunks(result)
    _show_trust(result)


def _show_chunks(result: Result) -> None:
    shown = {**_CHUNKS, "Adapted": ("adapted", figure)} if result["adapted"] else _CHUNKS
    show_rows(_with_gaps(result), shown, right=(2, 4))
    _show_gaps(result["gaps"])
    say(
        f"Realised: {result['realised_worse']} of {result['realised_chunks']} chunks with outcomes came true "
        f"worse. Estimated: {result['worse']} chunks are worse; {result['alerts']} are different (NannyML's "
        "two-sided alert)."
    )


def _with_gaps(result: Result) -> list[Result]:
    """The chunks, with a line that says nothing in the place of each gap."""
    found = list(result["chunks"])
    for gap in result["gaps"]:
        starts = [str(chunk["started_at"] or "")[:10] for chunk in found]
        place = next((at for at, start in enumerate(starts) if start > gap["last"]), 0)
        if place:
            nothing = dict.fromkeys(found[place])
            found.insert(place, {**nothing, "part": NONE, "chunk": "", "started_at": gap["first"]})
    return found


def _show_gaps(gaps: Sequence[Result]) -> None:
    for gap in gaps:
        first, last = gap["first"], gap["last"]
        say(f"No rows: {first if first == last else f'{first} to {last}'}.")


def _show_groups(result: Result) -> None:
    show_rows(result["groups"], _GROUPS, right=(1, 2, 3, 4))
    first = ", ".join(result["decays_first"])
    say(f"Decays first: {first}." if first else "No group decays (two worse chunks in a row).")
    say(f"Trust in the estimates of groups is by {result['groups_trusted_by']}.")


def _show_trust(result: Result) -> None:
    past = result["past_estimates"]
    if past["compared_chunks"]:
        say(
            f"Past estimates were off by {figure(past['mean_absolute_error'])} on average and "
            f"{figure(past['worst_error'])} at worst; {past['inside_band']} of {past['compared_chunks']} "
            "chunks came true inside the band."
        )
    trust, against = words(result["trust"]["verdict"]), result["trust"]["against"]
    why = f", as {against}" if against else ""
    say(f"Trust, by {TRUSTED_BY}: {trust}{why}. {result['believe']['said']}".rstrip())
    for reason in result["trust"]["reasons"]:
        of = f"{decay_metric(reason['metric']).title}: " if reason["metric"] else ""
        held = f"{of}{figure(reason['value'])}, held against {figure(reason['limit'])}"
        say(f"  - {_REASONS[reason['id']]}: {words(reason['verdict'])} ({held}).")


def show_added(result: Result) -> None:
    """A batch that came in, and what is odd about it."""
    of = f"{result['initiative']} version {result['version']}"
    say(f"{result['rows']:,} rows are on record as {result['part']} of {of}.")
    for warning in result["warnings"]:
        say(f"Note: {warning}")


def show_amended(result: Result) -> None:
    """How many batches read otherwise now, and what is odd about them."""
    of = f"{result['initiative']} version {result['version']}"
    say(f"On record. {result['changed']} of {counted(result['batches'])} batches of {of} read otherwise now.")
    for warning in result["warnings"]:
        say(f"Note: {warning}")


def show_batches(result: Result) -> None:
    """A version's batches, one a line, and the kept columns."""
    show_rows(result["batches"], _BATCHES, right=(2, 3))
    mapping = result["mapping"]
    if mapping is None:
        say("No columns are kept for this version yet.")
        return
    named = {"id": "row_id", "time": "timestamp", "prediction": "prediction", "target": "target"}
    kept = [f"{title} '{mapping[field]}'" for title, field in named.items() if mapping[field]]
    kept += [f"score{' of ' + label if label else ''} '{name}'" for label, name in mapping["scores"].items()]
    say(f"Kept columns: {', '.join(kept)}; {len(mapping['features']):,} features.")
    if proposed := result["proposed"]:
        outcomes = " and ".join(proposed["favourable"]) or "neither outcome"
        act = f"governance outcome declare {result['initiative']} --version {result['version']}"
        say(f"Nobody declared the favourable outcome. Of version {proposed['version']} it is {outcomes}:")
        say(f"'{act} --like {proposed['version']}' takes it over.")
    if mapping["sensitive"]:
        say(f"Sensitive: {', '.join(mapping['sensitive'])}.")
    for title, field in {"Missing": "missing", "Joined": "joined"}.items():
        if mapping[field]:
            say(f"{title}: {', '.join(mapping[field])}.")
    if mapping["zone"]:
        say(f"Zone of times without one: {mapping['zone']}.")
    for batch in result["batches"]:
        if batch["amended"]:
            say(f"{batch['source_name']} is read as amended: {batch['amended']}.")


def show_drift(result: Result) -> None:
    """The drift of each input, and the quality of the newest data."""
    check, features = result["check"], result["features"]
    about = f"{result['initiative']} version {result['version']}"
    say(f"Drift of {about}, measured {minute(result['measured_at'])}.")
    say(f"{words(check['verdict']).capitalize()}: {check['message']}. {check['remedy']}".rstrip())
    if not result["attributed"]:
        say("No attribution is on record, so features are ranked by drift alone.")
    show_rows([*features[:_MOST_FEATURES], *result["outputs"]], _FEATURES, right=(2, 3, 4, 5, 6))
    if len(features) > _MOST_FEATURES:
        say(f"And {len(features) - _MOST_FEATURES:,} more; --json has all.")
    _show_gaps(result["gaps"])
    for left_out in result["skipped"]:
        say(f"Not compared: {left_out}.")
    if result["data_quality"] is not None:
        _show_quality(result["data_quality"])


def _show_quality(quality: Result) -> None:
    check = quality["check"]
    say()
    say(f"Data quality: {words(check['verdict'])}: {check['message']}. {check['remedy']}".rstrip())
    found = [column for column in quality["columns"] if column["findings"]]
    if found:
        show_rows(found[:_MOST_FEATURES], _COLUMNS)


SHOW: Mapping[str, Callable[[Result], None]] = {
    "predictions add": show_added,
    "mapping amend": show_amended,
    "predictions list": show_batches,
    "bias_slices": show_slices,
    "compare_slices": show_changes,
    "weakest_slices": show_weakest,
    "score_curves": show_curves,
    **evaluations.SHOW,
    "trade-off show": show_trade_off,
    "decay": show_decay,
    "drift_report": show_drift,
    "explain show": show_explanation,
    "business-kpi show": show_kpis_in_full,
    "business-kpi list": show_kpi_list,
}
"""Command, or use case of a command that stands for several -> what prints its result."""
