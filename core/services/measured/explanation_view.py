"""Explanations as people read them: all of a model, one prediction, one feature, two groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from core.analytics.explanations.attributions import (
    GroupGap,
    GroupMeans,
    RankedFeature,
    Waterfall,
    group_gap,
    waterfall,
)
from core.analytics.explanations.models import SCALES, Scale
from core.analytics.slices.fairness import too_few
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.measured import Explanation
from core.domain.models.column_mapping import features_of
from core.domain.moment import Moment
from core.lake.facts import newest
from core.lake.monitoring import attributions as lake
from core.lake.monitoring.attributions import Explained, FeaturePoint, Files, NotableRow
from core.lake.monitoring.readings import attributions
from core.lake.predictions.batches import weight_of
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.slice_batches import monitored_versions

SEVERAL = 2


@dataclass(frozen=True)
class ExplanationReport:
    """The newest explanation of a version: what was explained how, and which features count most.

    `additivity_gap` is the largest difference, over the rows, between base + contributions and the raw score;
    None where the base value is not known. `scale_title` names the scale in words.
    """

    initiative: str
    version: str
    task: str
    origin: str
    method: str
    part: str
    rows: int
    batch_rows: int
    scale: str
    scale_title: str
    outcome: str
    base_value: float | None
    additivity_gap: float | None
    rounding_gap: float | None
    recorded_at: datetime
    sha256: str
    model_sha256: str
    features: tuple[RankedFeature, ...]
    sensitive: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class ExplainedPrediction:
    """Why one prediction came out as it did: the steps to its score, and the values that made them."""

    row_id: str
    waterfall: Waterfall
    values: Mapping[str, object]
    predicted: object
    actual: object
    score: float | None


@dataclass(frozen=True)
class GroupsApart:
    """Two groups of one column held against each other; `groups` are all of them with their rows."""

    by: str
    groups: tuple[GroupMeans, ...]
    gap: GroupGap


@dataclass(frozen=True)
class ExplainableVersion:
    """A version with predictions; `explained` when it has attributions."""

    initiative: str
    name: str
    version: str
    task: str
    rows: int
    explained: bool


def explainable_versions(governance: Governance, moment: Moment) -> tuple[ExplainableVersion, ...]:
    """Versions with predictions, by the initiative's name, newest version first."""
    known = {(one.initiative, one.version) for one in newest(governance.store, Explanation, moment)}
    return tuple(
        ExplainableVersion(
            one.initiative,
            one.name,
            one.version,
            one.task,
            one.rows,
            (one.initiative, one.version) in known,
        )
        for one in monitored_versions(governance, moment)
    )


def find_explainable(
    governance: Governance, moment: Moment, *, initiative: str = "", version: str = ""
) -> ExplainableVersion | None:
    """The version asked for, the newest where none is named of an initiative; else the first explained."""
    known = explainable_versions(governance, moment)
    if not initiative:
        return next((one for one in known if one.explained), known[0] if known else None)
    named = registered(governance, initiative, moment).name
    own = [one for one in known if one.initiative == initiative and version in ("", one.version)]
    if not own:
        what = f"version '{version[:20]}' of {named}" if version else named
        raise NotFound(f"{what} has no predictions", remedy="Add predictions, or choose another model.")
    return next((one for one in own if one.explained), own[0]) if not version else own[0]


def model_kept(governance: Governance, moment: Moment, *, initiative: str, version: str) -> bool:
    """Whether a model file of the version is kept, so that it can be explained here."""
    return lake.newest_model_file(governance.store, initiative, version, moment) is not None


def explanation_report(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> ExplanationReport:
    """Read the newest explanation of a version with its global summary."""
    found = _require_explanation(governance, initiative, version, moment)
    fact, batch = found.fact, found.batch
    sensitive = batch.sensitive if batch else ()
    same = ("origin", "method", "part", "scale", "outcome", "base_value", "additivity_gap", "rounding_gap")
    return ExplanationReport(
        initiative=initiative,
        version=version,
        task=str(batch and batch.task),
        **{name: getattr(fact, name) for name in (*same, "rows", "recorded_at", "sha256", "model_sha256")},
        batch_rows=batch.rows if batch else fact.rows,
        scale_title=SCALES[cast(Scale, fact.scale)],
        features=tuple(
            RankedFeature(one.feature, one.place, one.mean_absolute, one.mean_signed, one.share)
            for one in attributions(governance.store, initiative, version, moment)
        ),
        sensitive=sensitive,
        groups=tuple(dict.fromkeys((*sensitive, *_columns(governance, moment, found)))),
    )


def explained_prediction(
    governance: Governance, moment: Moment, *, initiative: str, version: str, row: str
) -> ExplainedPrediction:
    """Say why one prediction came out as it did.

    Raises
    ------
    Forbidden
        A single row is a group of one: it is for those who must see small groups.
    """
    _require_small_groups(governance, moment, initiative)
    found = _require_explanation(governance, initiative, version, moment)
    fact, base = found.fact, found.fact.base_value
    if base is None:
        raise BadInput(
            "the attributions came without a base value",
            where=f"{initiative} version {version}",
            remedy="Upload them with the base value to see single predictions.",
        )
    files = _files(governance, found)
    explained = lake.row_explained(governance.store, files, fact.features, row)
    known = lake.batch_row(governance.store, files, fact.features, row)
    if known is None:
        raise NotFound(
            f"the {fact.part} batch has no row '{row[:60]}'",
            where=f"{initiative} version {version}",
            remedy="Name a row of the batch.",
        )
    if explained is None:
        raise NotFound(
            f"row '{row[:60]}' is not among the {fact.rows:,} explained ones",
            where=f"{initiative} version {version}",
            remedy="Explain it too, with 'governance explain run --row'.",
        )
    steps = waterfall(explained.contributions, base, explained.raw_score, fact.scale)
    return ExplainedPrediction(row, steps, known.values, known.predicted, known.actual, known.score)


def notable_rows(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> tuple[NotableRow, ...]:
    """Rows worth a look: the highest and lowest scores, and the mistakes furthest from the middle."""
    files = _files(governance, _require_explanation(governance, initiative, version, moment))
    if not governance.reader.sees_small_groups(initiative):
        return ()
    return lake.notable_rows(governance.store, files)


def feature_along(
    governance: Governance, moment: Moment, *, initiative: str, version: str, feature: str
) -> tuple[FeaturePoint, ...]:
    """What a feature contributes along its own values."""
    found = _require_explanation(governance, initiative, version, moment)
    _require_column(feature, found.fact.features, "feature")
    points = lake.along_values(governance.store, _files(governance, found), feature)
    told = _told(governance, moment, initiative, {one.label: one.rows for one in points})
    return tuple(one for one in points if one.label in told)


def groups_apart(
    governance: Governance,
    moment: Moment,
    *,
    initiative: str,
    version: str,
    by: str,
    between: tuple[str, ...] = (),
) -> GroupsApart:
    """Which features set two groups apart; without names, the largest group and the next one."""
    found = _require_explanation(governance, initiative, version, moment)
    _require_column(by, _columns(governance, moment, found), "column")
    groups = lake.group_means(governance.store, _files(governance, found), found.fact.features, by)
    told = _told(governance, moment, initiative, {one.name: one.rows for one in groups})
    groups = tuple(one for one in groups if one.name in told)
    names = {group.name: group for group in groups}
    chosen = between or tuple(g.name for g in sorted(groups, key=lambda g: -g.rows)[:SEVERAL])
    strange = [name for name in chosen if name not in names]
    if strange:
        raise NotFound(
            f"'{by}' has no group '{strange[0][:60]}'",
            where=f"{initiative} version {version}",
            remedy=f"Use two of: {', '.join(names)[:300]}.",
        )
    if len(chosen) != SEVERAL or chosen[0] == chosen[1]:
        raise BadInput(
            f"two different groups of '{by}' are needed",
            where=f"{initiative} version {version}",
            remedy=f"Use two of: {', '.join(names)[:300]}.",
        )
    return GroupsApart(by, groups, group_gap(names[chosen[0]], names[chosen[1]]))


def _told(
    governance: Governance, moment: Moment, initiative: str, sizes: Mapping[str, int]
) -> frozenset[str]:
    """The groups of which the reader may see figures."""
    if governance.reader.sees_small_groups(initiative):
        return frozenset(sizes)
    domain = registered(governance, initiative, moment).domain
    return frozenset(sizes) - too_few(sizes, governance.position(moment).limit_for(domain).min_rows)


def _require_small_groups(governance: Governance, moment: Moment, initiative: str) -> None:
    if not governance.reader.sees_small_groups(initiative):
        roles = governance.rules(moment).roles
        titles = ", ".join(map(roles.title, roles.allowed_roles("read_small_groups")))
        raise Forbidden(
            "a single prediction is shown to those alone who must see small groups",
            where=initiative,
            remedy=f"Ask one of these roles: {titles}.",
        )


def _require_explanation(governance: Governance, initiative: str, version: str, moment: Moment) -> Explained:
    registered(governance, initiative, moment)
    found = lake.newest_explanation(governance.store, initiative, version, moment)
    if found is None:
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no attributions",
            remedy="Explain it with 'governance explain run', or upload some with 'governance explain add'.",
        )
    return found


def _require_column(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        raise NotFound(f"there is no {what} '{name[:60]}'", remedy=f"Use: {', '.join(known)[:300]}.")


def _columns(governance: Governance, moment: Moment, found: Explained) -> tuple[str, ...]:
    weight = weight_of(governance.store, found.fact.initiative, found.fact.version, moment)
    return tuple(name for name in features_of(found.batch.columns if found.batch else ()) if name != weight)


def _files(governance: Governance, found: Explained) -> Files:
    if found.batch is None:
        raise NotFound("the batch whose rows are explained is not on record", remedy="Explain it again.")
    folder = governance.store.folder
    return Files(folder / found.fact.path, folder / found.batch.path)
