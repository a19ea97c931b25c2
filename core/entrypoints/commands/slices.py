"""The command on bias slices: measure them, find the weakest ones, compare two versions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.reports import slices as reports

Repeated = list[str] | None


def slices(
    context: typer.Context,
    initiative: Initiative,
    by: Annotated[
        Repeated, typer.Option("--by", help="Feature to slice by; repeat to intersect up to six.")
    ] = None,
    version: Version = "",
    metric: Annotated[
        str, typer.Option("--metric", help="Metric; the limited one where none is named.")
    ] = "",
    part: Annotated[str, typer.Option("--part", help="analysis, reference, or all.")] = "analysis",
    reference: Annotated[
        str, typer.Option("--reference", help="best, largest, overall, or a slice.")
    ] = "best",
    positive: Annotated[str, typer.Option("--positive", help="Favourable class of a multiclass model.")] = "",
    where: Annotated[
        Repeated, typer.Option("--where", help="Rows to keep: sex=Female, race!=White, age>=30; repeat.")
    ] = None,
    cut: Annotated[
        Repeated,
        typer.Option(
            "--cut", help="age=quantiles:4, age=bands:5, age=width:10, age=at:30,45 or age=values; repeat."
        ),
    ] = None,
    since: Annotated[str, typer.Option("--since", help="First UTC day.", metavar="DAY")] = "",
    until: Annotated[str, typer.Option("--until", help="Last UTC day.", metavar="DAY")] = "",
    correction: Annotated[
        str, typer.Option("--correction", help="Of p values: holm, benjamini_hochberg or none.")
    ] = "holm",
    compare: Annotated[str, typer.Option("--compare", help="Another version, side by side.")] = "",
    weakest: Annotated[
        bool, typer.Option("--weakest", help="Find the weakest slices over all intersections.")
    ] = False,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="With --weakest: how many.")] = 10,
    conditions: Annotated[
        int, typer.Option("--conditions", min=1, max=6, help="With --weakest: features of one slice at most.")
    ] = 3,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Compare a metric between slices of a model version's predictions."""
    values: dict[str, Any] = {
        "initiative": initiative,
        "version": version,
        "by": by or [],
        "metric": metric,
        "part": "" if part == "all" else part,
        "positive": positive,
        "where": where or [],
        "cuts": cut or [],
        "since": since,
        "until": until,
        "as_of": as_of,
    }
    name, show = "weakest_slices", reports.show_weakest
    if weakest and compare:
        raise BadInput("--weakest looks at one version", where="--compare", remedy="Leave one of them out.")
    if weakest:
        values |= {"most": most, "max_conditions": conditions}
    elif not by:
        raise BadInput("no feature was named", where="--by", remedy="Name one, or use --weakest.")
    else:
        values |= {"reference": reference, "correction": correction}
        name, show = "bias_slices", reports.show_slices
    if compare:
        values |= {"other": compare}
        name, show = "compare_slices", reports.show_changes
    options.report(context, name, values, show, store=store, person=person, as_json=as_json)
