"""Data, its use and its warnings, through the services; circles are refused and end every walk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.chain import Fact
from core.domain.commands import Command, PromoteVersion, RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.models.lineage import (
    ClearData,
    EndDataUse,
    EndUpstream,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
    circle,
    reached,
)
from core.services.governance import Governance
from core.services.models import data_sources as services
from core.services.models.lineage import bad_data_of, data_of, lineage, source_sheet
from core.services.models.versions import promote_version, register_model_version
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, VALIDATOR, at_rest, founded, later, register

BAD = "The feed held last year's rates."
_SERVICES: dict[type[Command], Any] = {
    RecordDataSource: services.record_data_source,
    RecordUpstream: services.record_upstream,
    EndUpstream: services.end_upstream,
    RecordDataUse: services.record_data_use,
    EndDataUse: services.end_data_use,
    MarkDataBad: services.mark_data_bad,
    ClearData: services.clear_data,
    RecordProcesses: services.record_processes,
}


def do(governance: Governance, kind: type[Command], day: float, **given: Any) -> Any:
    values = {"actor": BUILDER, "at": later(day), **given}
    return _SERVICES[kind](governance, make(kind, **values))


def source(governance: Governance, name: str, *, team: str = "Data Platform", personal: bool = False) -> str:
    return str(
        do(governance, RecordDataSource, 2, name=name, team=team, personal_data=personal, location="lake")
    )


def use(governance: Governance, source: str, initiative: str, how: str, **given: Any) -> None:
    do(governance, RecordDataUse, 4, source=source, initiative=initiative, how=how, **given)


@pytest.fixture
def rates(governance: Governance) -> Governance:
    return with_rates(governance)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    """The same with claims marked as bad, for all that is refused: nothing of it may be stored."""
    governance = with_rates(founded(tmp_path_factory.mktemp("refusing") / "store"))
    do(governance, MarkDataBad, 5, source="claims-table", reason=BAD, actor=ADMIN)
    with at_rest(governance):
        yield governance


def with_rates(governance: Governance) -> Governance:
    """Rates feed → cleaned rates → pricing (model 1), and → card limits by way of features; claims apart."""
    for name in ("Pricing", "Card limits", "Claims triage"):
        register(governance, name)
    for name in ("Rates feed", "Cleaned rates", "Rate features", "Claims table"):
        source(governance, name)
    do(governance, RecordUpstream, 3, source="cleaned-rates", upstream="rates-feed", columns=("rate", "day"))
    do(governance, RecordUpstream, 3, source="rate-features", upstream="cleaned-rates", how="weekly means")
    use(governance, "cleaned-rates", "pricing", "training", columns=("rate",))
    use(governance, "rate-features", "card-limits", "scoring")
    use(governance, "claims-table", "claims-triage", "training")
    do(governance, RecordProcesses, 4, initiative="card-limits", processes=("Card issuing",))
    do(governance, RecordProcesses, 4, initiative="claims-triage", processes=("Claims handling",))
    return governance


def test_bad_data_shows_everything_downstream_at_once_and_nothing_else(rates: Governance) -> None:
    reached_now = do(rates, MarkDataBad, 5, source="rates-feed", reason=BAD)
    assert reached_now == ("card-limits", "pricing")
    found = lineage(rates, rates.moment(later(5)))
    states = {node.id: node.state for node in found.graph.nodes}
    assert states == {
        "source:rates-feed": "bad",
        "source:cleaned-rates": "affected",
        "source:rate-features": "affected",
        "source:claims-table": "sound",
        "model:pricing": "affected",
        "model:card-limits": "affected",
        "model:claims-triage": "sound",
        "process:Card issuing": "affected",
        "process:Claims handling": "sound",
    }
    (warning,) = found.warnings
    assert warning.reason == BAD and warning.sources == ("Cleaned rates", "Rate features")
    assert warning.initiatives == (("card-limits", "Card limits"), ("pricing", "Pricing"))
    assert warning.processes == ("Card issuing",)


def test_the_sheet_of_an_initiative_is_warned_while_the_warning_stands(rates: Governance) -> None:
    do(rates, MarkDataBad, 5, source="rates-feed", reason=BAD)
    do(rates, ClearData, 7, source="rates-feed", reason="The feed was loaded anew.")

    def warned(initiative: str, day: float) -> list[str]:
        return [one.name for one in bad_data_of(rates, rates.moment(later(day)), initiative=initiative)]

    assert warned("card-limits", 4) == []
    assert warned("card-limits", 6) == ["Rates feed"]
    assert warned("claims-triage", 6) == []
    assert warned("card-limits", 7) == []
    assert verify_record(rates).first_break is None


def test_a_warning_counts_for_versions_in_use_only(rates: Governance) -> None:
    for label, role in (("1", "champion"), ("2", "challenger")):
        command = make(
            RegisterModelVersion,
            actor=BUILDER,
            at=later(4),
            initiative="claims-triage",
            version=label,
            role=role,
            algorithm="Rules",
            task="binary",
        )
        register_model_version(rates, command)
    use(rates, "rate-features", "claims-triage", "training", version="1")
    do(rates, MarkDataBad, 5, source="rates-feed", reason=BAD)
    moment = rates.moment(later(5))
    assert [one.source for one in bad_data_of(rates, moment, initiative="claims-triage")] == ["rates-feed"]
    promote = make(
        PromoteVersion, actor=BUILDER, at=later(6), initiative="claims-triage", version="2", reason="Better."
    )
    promote_version(rates, promote)
    moment = rates.moment(later(6))
    assert bad_data_of(rates, moment, initiative="claims-triage") == ()
    lines = {(one.version, one.counts) for one in data_of(rates, moment, initiative="claims-triage")}
    assert lines == {("", True), ("1", False)}
    assert "model:claims-triage" not in {
        n.id for n in lineage(rates, moment, source="rates-feed").graph.nodes
    }
    past = lineage(rates, moment, source="rates-feed", past=True)
    assert "model:claims-triage" in {node.id for node in past.graph.nodes}


@pytest.mark.parametrize(
    ("filters", "models", "sources"),
    [
        ({}, {"pricing", "card-limits", "claims-triage"}, 4),
        ({"source": "rate-features"}, {"card-limits"}, 3),
        ({"source": "rates-feed"}, {"pricing", "card-limits"}, 3),
        ({"model": "pricing"}, {"pricing"}, 2),
        ({"process": "Claims handling"}, {"claims-triage"}, 1),
        ({"team": "Credit"}, {"pricing", "card-limits", "claims-triage"}, 4),
        ({"source": "rates-feed", "process": "Card issuing"}, {"card-limits"}, 3),
        ({"source": "rates-feed", "process": "Claims handling"}, set(), 0),
    ],
)
def test_filters_keep_what_is_up_and_downstream(
    rates: Governance, filters: dict[str, Any], models: set[str], sources: int
) -> None:
    found = lineage(rates, rates.moment(later(5)), **filters)
    kinds = [node.kind for node in found.graph.nodes]
    assert {node.id for node in found.graph.nodes if node.kind == "model"} == {f"model:{m}" for m in models}
    assert kinds.count("source") == sources == len(found.sources)
    assert {line.initiative for line in found.lines} == models


def test_one_source_is_shown_with_what_is_above_and_below_it(rates: Governance) -> None:
    do(rates, MarkDataBad, 5, source="cleaned-rates", reason=BAD)
    sheet = source_sheet(rates, rates.moment(later(5)), source="cleaned-rates")
    assert [one.name for one in sheet.upstream] == ["Rates feed"]
    assert sheet.upstream[0].columns == ("rate", "day")
    assert [one.name for one in sheet.downstream] == ["Rate features"]
    assert [(line.model, line.how, line.columns) for line in sheet.uses] == [
        ("Pricing", "training", ("rate",))
    ]
    assert [mark.bad for mark in sheet.marks] == [True]


def test_uses_and_origins_end_and_the_past_keeps_them(rates: Governance) -> None:
    do(rates, EndDataUse, 6, source="rate-features", initiative="card-limits", how="scoring")
    do(rates, EndUpstream, 6, source="cleaned-rates", upstream="rates-feed")
    now, then = rates.moment(later(6)), rates.moment(later(5))
    assert data_of(rates, now, initiative="card-limits") == ()
    assert len(data_of(rates, then, initiative="card-limits")) == 1
    assert len(lineage(rates, then).graph.edges) == len(lineage(rates, now).graph.edges) + 2
    do(rates, RecordUpstream, 7, source="rates-feed", upstream="cleaned-rates")  # no circle any more


def test_a_circle_is_refused_and_named(rates: Governance) -> None:
    head = rates.store.head()
    with pytest.raises(BadInput, match="rates-feed ← rate-features ← cleaned-rates ← rates-feed"):
        do(rates, RecordUpstream, 5, source="rates-feed", upstream="rate-features")
    with pytest.raises(BadInput, match="made from itself"):
        do(rates, RecordUpstream, 5, source="rates-feed", upstream="rates-feed")
    assert rates.store.head() == head


def test_a_circle_that_got_in_all_the_same_does_not_hang(rates: Governance) -> None:
    row = {"source": "rates-feed", "upstream": "rate-features", "how": "", "columns": [], "holds": True}
    fact = Fact("data_upstream_recorded", "data:rates-feed", "data_upstream", (row,))
    rates.store.append([fact], actor=BUILDER.id, at=later(5))
    do(rates, MarkDataBad, 6, source="cleaned-rates", reason=BAD)
    found = lineage(rates, rates.moment(later(6)), source="rates-feed")
    assert {n.state for n in found.graph.nodes if n.kind == "source"} == {"bad", "affected"}
    assert len(bad_data_of(rates, rates.moment(later(6)), initiative="pricing")) == 1


def test_what_is_recorded_of_a_source_can_change(rates: Governance) -> None:
    given: dict[str, Any] = {"source": "claims-table", "name": "Claims table", "team": "Claims"}
    do(rates, RecordDataSource, 5, **given, personal_data=True, quality="2% without a date")
    row = source_sheet(rates, rates.moment(later(5)), source="claims-table").source
    assert (row.team, row.personal_data, row.quality) == ("Claims", True, "2% without a date")
    with pytest.raises(BadInput, match="nothing would change"):
        do(rates, RecordDataSource, 6, **given, personal_data=True, quality="2% without a date")


@pytest.mark.parametrize(
    ("kind", "given", "problem", "sentence"),
    [
        (RecordDataSource, {"name": "???", "team": "Credit", "personal_data": False}, BadInput, "no letter"),
        (RecordDataSource, {"name": "Rates", "team": "Credit"}, BadInput, "personal data is missing"),
        (
            RecordDataSource,
            {"name": "Rates", "team": "C", "personal_data": False},
            BadInput,
            r"^team needs at least 3 characters \(",
        ),
        (
            RecordDataSource,
            {"name": "Rates", "personal_data": False, "actor": BUILDER.model_copy(update={"team": ""})},
            BadInput,
            "team is missing",
        ),
        (
            RecordDataSource,
            {"name": "Rates", "team": "Credit", "personal_data": False, "actor": OUTSIDER},
            Forbidden,
            "may not record data",
        ),
        (RecordUpstream, {"source": "nope", "upstream": "rates-feed"}, NotFound, "no data source 'nope'"),
        (EndUpstream, {"source": "rates-feed", "upstream": "claims-table"}, NotFound, "is not made from"),
        (
            RecordDataUse,
            {"source": "rates-feed", "initiative": "nope", "how": "training"},
            NotFound,
            "no initiative",
        ),
        (
            RecordDataUse,
            {"source": "rates-feed", "initiative": "pricing", "version": "9", "how": "training"},
            NotFound,
            "has no version",
        ),
        (
            RecordDataUse,
            {"source": "rates-feed", "initiative": "pricing", "how": "guessing"},
            BadInput,
            "how",
        ),
        (
            EndDataUse,
            {"source": "rates-feed", "initiative": "pricing", "how": "training"},
            NotFound,
            "no training with",
        ),
        (
            MarkDataBad,
            {"source": "rates-feed", "reason": "bad"},
            BadInput,
            "reason needs at least 10 characters",
        ),
        (MarkDataBad, {"source": "nope", "reason": BAD}, NotFound, "no data source"),
        (MarkDataBad, {"source": "claims-table", "reason": BAD}, Conflict, "marked as bad already"),
        (ClearData, {"source": "rates-feed", "reason": BAD}, Conflict, "is not marked as bad"),
        (ClearData, {"source": "claims-table", "reason": BAD, "actor": OUTSIDER}, Forbidden, "may not mark"),
        (RecordProcesses, {"initiative": "card-limits", "processes": ("Card issuing",)}, BadInput, "nothing"),
        (
            RecordProcesses,
            {"initiative": "pricing", "processes": ("Quotes",), "actor": VALIDATOR},
            Forbidden,
            "may not",
        ),
    ],
)
def test_wrong_input_is_one_sentence_and_stores_nothing(
    refusing: Governance, kind: type[Command], given: Any, problem: type[GovernanceError], sentence: str
) -> None:
    head = refusing.store.head()
    with pytest.raises(problem, match=sentence):
        do(refusing, kind, 6, **given)
    assert refusing.store.head() == head


def test_a_filter_that_names_nothing_is_refused(rates: Governance) -> None:
    wrong: list[dict[str, Any]] = [
        {"team": "Nobody"},
        {"source": "nope"},
        {"model": "nope"},
        {"process": "nope"},
    ]
    for filters in wrong:
        with pytest.raises(NotFound, match="the lineage holds no"):
            lineage(rates, rates.moment(later(5)), **filters)


nodes = st.sampled_from("abcdef")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(nodes, nodes), max_size=20), nodes, nodes)
def test_a_way_is_found_exactly_where_there_is_one(
    edges: list[tuple[str, str]], source: str, wanted: str
) -> None:
    upstream: dict[str, list[str]] = {}
    for below, above in edges:
        upstream.setdefault(below, []).append(above)
    way = circle(upstream, source, wanted)
    assert bool(way) == (source in reached(upstream, [wanted]))
    assert not way or (way[0], way[-1]) == (wanted, source)
    assert all(above in upstream[below] for below, above in pairwise(way))
