"""The use cases of measurement: predictions, slices, decay, drift, explanations and business KPIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import DecayChunk
from core.domain.given import InitiativeId, Texts, VersionId, argument, option
from core.domain.models.business_kpis import SetBusinessKpi
from core.domain.moment import Moment
from core.domain.policy.checks import TRUSTED_BY
from core.ground import Result, plain
from core.services.governance import Governance
from core.services.measured import business_kpi, explanations
from core.services.measured import explanation_view as explained
from core.services.measured.bias import bias_slices, compare_versions
from core.services.measured.business_kpi import (
    BusinessKpi,
    business_kpis,
    model_performance,
    promised_kpis,
)
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality, quality_report
from core.services.measured.decay import DecayReport, decay_report, said_against, said_preference
from core.services.measured.decay_groups import GROUPS_TRUSTED_BY, decay_groups
from core.services.measured.drift import MeasureDrift, drift_report, measure_drift
from core.services.measured.evaluation_view import compare_evaluations, compare_judges, evaluation_report
from core.services.measured.evaluations import (
    AddEvaluation,
    WithdrawEvaluation,
    add_evaluation,
    withdraw_evaluation,
)
from core.services.measured.monitoring import AddOutcomes, RefreshMonitoring, add_outcomes, refresh_monitoring
from core.services.measured.predictions import (
    AddPredictions,
    WithdrawPredictions,
    add_predictions,
    prediction_batches,
    withdraw_predictions,
)
from core.services.measured.trade_off import (
    AttachTradeOff,
    FindTradeOff,
    attach_trade_off,
    find_trade_off,
    trade_off_report,
)
from core.services.measured.weak_slices import find_weakest, score_curves
from core.services.use_case import Call, Choice, Line, Values, asks, does, proposed

_OF_VERSION = "/initiatives/{initiative}/versions/{version}"


def _slices_meant(typed: Values) -> str:
    if typed.get("weakest") and typed.get("other"):
        raise BadInput("--weakest looks at one version", where="--compare", remedy="Leave one of them out.")
    if typed.get("weakest"):
        return "weakest_slices"
    if not typed.get("by"):
        raise BadInput("no feature was named", where="--by", remedy="Name one, or use --weakest.")
    if typed.get("curves") and typed.get("other"):
        raise BadInput("--curves looks at one version", where="--compare", remedy="Leave one of them out.")
    if typed.get("curves"):
        return "score_curves"
    return "compare_slices" if typed.get("other") else "bias_slices"


def _crossed(typed: Sequence[str]) -> list[str]:
    return [feature for one in typed for feature in one.split("+")]


def read_decay(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    version: VersionId = "",
    metric: Annotated[str, Field(description="Metric; the leading one where none is named.")] = "",
    by: Annotated[
        Texts,
        Field(description="Feature to divide people by; repeat to cross several."),
        option(read=_crossed),
    ] = (),
) -> Result:
    """Show estimated performance chunk by chunk, with what was realised; by group with --by."""
    one: dict[str, str] = {"initiative": initiative, "version": version}
    found = _decay(decay_report(governance, moment, **one, metric=metric))
    if not by:
        return found
    groups = decay_groups(governance, moment, **one, by=by, metric=metric)
    return {
        **found,
        "by": groups.by,
        "decays_first": [group.label for group in groups.first],
        "cannot_tell_groups": groups.untold,
        "groups": groups.groups,
        "groups_trusted_by": GROUPS_TRUSTED_BY,
    }


def _decay(report: DecayReport) -> Result:
    trust = report.trust
    return {
        "initiative": report.initiative,
        "version": report.version,
        "task": report.task,
        "metric": report.metric.id,
        "procedure": report.procedure,
        "metrics": sorted(metric.id for metric in report.metrics),
        "direction": report.metric.direction,
        "unestimated": report.unestimated.id if report.unestimated else None,
        "chunks": [_chunk(report, one) for one in report.chunks],
        "adapted": report.adapted.get(report.metric.id, ()),
        "believe": {"said": said_preference(report), "preference": report.preference},
        "alerts": report.alerts,
        "different": report.alerts,
        "worse": report.worse,
        "realised_worse": report.realised_worse,
        "realised_chunks": report.known,
        "estimate_error": trust.error,
        "trust": {
            "verdict": report.trusted,
            "by": TRUSTED_BY,
            "against": said_against(report.judgement),
            "reasons": report.reasons,
        },
        "past_estimates": {
            "compared_chunks": trust.compared,
            "mean_absolute_error": trust.error,
            "worst_error": trust.worst,
            "inside_band": trust.inside,
            "coverage": trust.inside / trust.compared if trust.compared else None,
            "verdict": trust.verdict,
            "reference": trust.reference,
            "analysis": trust.analysis,
        },
        "run": report.run,
        "gaps": report.gaps,
        "newest_chunk": report.age,
        "by_choices": report.by_choices,
    }


def _chunk(report: DecayReport, one: DecayChunk) -> Result:
    adapted = report.adapted_to.get(one.chunk) if one.part == "analysis" else None
    beside = {"realised_worse": report.came_worse(one), "adapted": adapted.estimate if adapted else None}
    return {**plain(one), **beside}


def measure_inputs(governance: Governance, asked: MeasureDrift) -> Result:
    """Measure the drift of the inputs and the quality of the data; both go on record."""
    features = measure_drift(governance, asked)
    quality = MeasureDataQuality(**asked.model_dump(include=set(MeasureDataQuality.model_fields)))
    return {"features": features, "columns": measure_data_quality(governance, quality)}


def read_drift(
    governance: Governance, moment: Moment, *, initiative: InitiativeId, version: VersionId = ""
) -> Result:
    """Show which inputs drifted, what matters most first, and the quality of the newest data."""
    found = drift_report(governance, moment, initiative=initiative, version=version)
    try:
        quality = quality_report(governance, moment, initiative=initiative, version=version)
    except NotFound:
        quality = None
    return {**plain(found), "data_quality": quality}


def explain(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    version: VersionId = "",
    row: Annotated[str, Field(description="Why this prediction: the row's id.")] = "",
    feature: Annotated[str, Field(description="This feature along its values.")] = "",
    by: Annotated[str, Field(description="Column whose groups are held apart.")] = "",
    between: Annotated[
        Texts, Field(description="Two groups of that column; else the two largest."), option(values=2)
    ] = (),
) -> Result:
    """Show which features the scores of a version come from."""
    one: dict[str, str] = {"initiative": initiative, "version": version}
    found = dict(plain(explained.explanation_report(governance, moment, **one)))
    if row:
        found["prediction"] = explained.explained_prediction(governance, moment, **one, row=row)
    if feature:
        points = explained.feature_along(governance, moment, **one, feature=feature)
        found["along"] = {"feature": feature, "points": points}
    if between and not by:
        raise BadInput("two groups are named and no column", where="explain", remedy="Name it with --by.")
    if by:
        found["apart"] = explained.groups_apart(governance, moment, **one, by=by, between=between)
    return found


def read_business_kpis(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[
        str, Field(description="The initiative's id, as 'governance list' shows it."), argument()
    ] = "",
) -> Result:
    """Show what an initiative promised and achieved, corrections included."""
    if not initiative:
        return {"kpis": promised_kpis(governance, moment)}
    kpis = business_kpis(governance, moment, initiative=initiative)
    performance = model_performance(governance, moment, initiative=initiative)
    return {"kpis": [_in_full(kpi) for kpi in kpis], "model": performance}


def _in_full(kpi: BusinessKpi) -> Result:
    """A KPI with what was promised for the day of each observation."""
    seen = [{**plain(one), "promised": kpi.promise.promised_on(one.observed_on)} for one in kpi.observations]
    return {**plain(kpi), "observations": seen}


def _with(*fields: str, under: str = "") -> Callable[[Call, Command, object], Result]:
    """Makes the result of a command: some of its fields, and what came of it, a value under a name."""

    def result(_: Call, command: Command, found: object) -> Result:
        return {
            **{name: getattr(command, name) for name in fields},
            **({under: found} if under else plain(found)),
        }

    return result


def _observed(result: Result) -> str:
    what = "Withdrawn" if result["value"] is None else f"{result['value']:g} is on record"
    return f"{what} for {result['observed_on']}."


GROUPS: Mapping[str, str] = {
    "monitoring": "Estimates of performance decay.",
    "predictions": "Predictions of model versions.",
    "trade-off": "What it would take to meet the limit between groups; nothing is applied.",
    "explain": "What scores come from: 'governance explain INITIATIVE', and how to get there.",
    "evaluation": "Evaluation sets: cases that a model version answered and a judge graded.",
    "business-kpi": "Business KPIs: promised at scoping, achieved since.",
}

CHOICES = (
    Choice(
        "slices",
        "Compare a metric between slices of a model version's predictions.",
        ("bias_slices", "compare_slices", "weakest_slices", "score_curves"),
        _slices_meant,
        flags={
            "weakest": "Find the weakest slices over all intersections.",
            "curves": "Draw up ROC and calibration curves by group.",
        },
        hidden=("min_rows",),
    ),
    Choice(
        "drift",
        "Show which inputs drifted, what matters most first, and the quality of the newest data.",
        ("measure_drift", "drift_report"),
        lambda typed: "measure_drift" if typed.get("measure") else "drift_report",
        flags={"measure": "Measure anew, and put it on record."},
        then="drift_report",
    ),
)


def _promised(result: Result) -> str:
    return proposed(result) if result["proposal"] else "Promised as {kpi} of {initiative}.".format_map(result)


USE_CASES = (
    does(
        add_predictions,
        AddPredictions,
        Line("predictions add"),
        returns=_with("initiative", "version", "part"),
    ),
    does(
        withdraw_predictions,
        WithdrawPredictions,
        Line("predictions withdraw", "The batch {sha256} of {initiative} version {version} counts no more."),
    ),
    asks(
        prediction_batches, Line("predictions list"), may="read_initiatives", name="list_prediction_batches"
    ),
    does(
        refresh_monitoring,
        RefreshMonitoring,
        Line("monitoring refresh", "{chunks:,} estimates of {initiative} version {version} are on record."),
        returns="chunks",
    ),
    does(
        add_outcomes,
        AddOutcomes,
        Line("monitoring outcomes", "{rows:,} outcomes of {initiative} version {version} are on record."),
        returns=_with("initiative", "version"),
    ),
    asks(
        read_decay,
        Line("decay"),
        may="read_initiatives",
        name="decay_report",
        route=f"GET {_OF_VERSION}/decay",
    ),
    asks(bias_slices, may="read_initiatives", route=f"GET {_OF_VERSION}/slices"),
    asks(compare_versions, may="read_initiatives", name="compare_slices", route=f"GET {_OF_VERSION}/slices"),
    asks(score_curves, may="read_initiatives", route=f"GET {_OF_VERSION}/curves"),
    asks(
        find_weakest,
        may="read_initiatives",
        name="weakest_slices",
        route=f"GET {_OF_VERSION}/weakest-slices",
    ),
    does(
        find_trade_off,
        FindTradeOff,
        Line("trade-off run", "{said}"),
        returns=_with("initiative", "version", "by", under="said"),
    ),
    asks(
        trade_off_report, Line("trade-off show"), may="read_initiatives", route=f"GET {_OF_VERSION}/trade-off"
    ),
    does(
        attach_trade_off,
        AttachTradeOff,
        Line("trade-off attach", "It is attached to {finding} of {initiative}; nothing else changed."),
        returns=_with("initiative"),
    ),
    does(measure_inputs, MeasureDrift, name="measure_drift", returns=_with("initiative", "version")),
    asks(read_drift, may="read_initiatives", name="drift_report"),
    asks(explain, Line("explain show"), may="read_initiatives", name="explanation_report"),
    does(
        explanations.explain_version,
        explanations.ExplainVersion,
        Line("explain run", "{rows:,} scores of {initiative} version {version} are explained."),
        returns=_with("initiative", "version", under="rows"),
    ),
    does(
        explanations.keep_model,
        explanations.KeepModel,
        Line("explain model", "The model of {initiative} version {version} is kept, sha256 {sha256}."),
        returns=_with("initiative", "version", under="sha256"),
    ),
    does(
        explanations.add_attributions,
        explanations.AddAttributions,
        Line("explain add", "Attributions of {rows:,} rows of {initiative} version {version} are kept."),
        returns=_with("initiative", "version", under="rows"),
    ),
    does(
        add_evaluation,
        AddEvaluation,
        Line(
            "evaluation add",
            "{passed:,} of {cases:,} cases of {dataset} pass; {evaluation} of {initiative} is on record.",
        ),
        returns=_with("initiative", "version"),
    ),
    does(
        withdraw_evaluation,
        WithdrawEvaluation,
        Line("evaluation withdraw", "{evaluation} of {initiative} counts no more."),
    ),
    asks(
        evaluation_report,
        Line("evaluation show"),
        may="read_initiatives",
        route=f"GET {_OF_VERSION}/evaluation",
    ),
    asks(compare_evaluations, Line("evaluation compare"), may="read_initiatives"),
    asks(compare_judges, Line("evaluation agreement"), may="read_initiatives"),
    does(
        business_kpi.set_business_kpi,
        SetBusinessKpi,
        Line("business-kpi set", _promised),
        returns=lambda call, command, found: {"initiative": command.initiative, **plain(found)},
    ),
    does(
        business_kpi.observe_business_kpi,
        business_kpi.ObserveBusinessKpi,
        Line("business-kpi observe", _observed),
    ),
    does(
        business_kpi.import_observations,
        business_kpi.ImportObservations,
        Line("business-kpi import", "{observations:,} observations are on record."),
        returns=_with("initiative", "kpi", "name", "note", under="observations"),
    ),
    asks(
        read_business_kpis,
        Line("business-kpi show", needs=("initiative",)),
        Line(
            "business-kpi list", fixed={"initiative": ""}, help="List the business KPIs of all initiatives."
        ),
        may="read_initiatives",
        name="business_kpis",
    ),
)
