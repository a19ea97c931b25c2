"""The limits for prediction batches, drift, data quality and personal data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.ground import Checked

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3650)]
Rows = Annotated[int, Field(ge=1)]
PersonalKind = Literal["email", "phone", "iban", "credit_card", "social_security", "ip_address", "name"]
"""Kinds of personal data; `name` is a column whose name alone says that it identifies people."""


class IntakeLimits(Checked):
    """What a batch is held to before it is kept.

    Attributes
    ----------
    min_reference_rows
        Rows that a reference needs; a smaller one is refused.
    """

    min_reference_rows: Rows


class DriftLimits(Checked):
    """When the inputs of a model count as drifted.

    Attributes
    ----------
    method
        The distance that alerts and ranks; it has to suit numbers and categories alike.
    newest_chunks
        How many of the newest chunks a feature must alert in, one after the other, to count.
    max_alert_share
        Share of the model's attribution (of its features, where no attribution is on record) that features
        on alert may carry together.
    min_reference_chunks
        Chunks of the reference; with fewer, thresholds say nothing.
    min_rows
        Rows that the newest chunk needs.
    fresh_days
        How long a measurement counts.
    """

    method: Literal["jensen_shannon", "hellinger"]
    newest_chunks: Annotated[int, Field(ge=1, le=100)]
    max_alert_share: Share
    min_reference_chunks: Annotated[int, Field(ge=2)]
    min_rows: Rows
    fresh_days: Days


class QualityLimits(Checked):
    """When a column's values are no longer what they were in the reference. All are shares of rows.

    Attributes
    ----------
    max_missing_rise
        Share missing now minus share missing in the reference.
    max_unseen_share
        Share of the filled rows with a category that the reference does not hold.
    max_out_of_range_share
        Share of the filled rows below the least or above the greatest number of the reference.
    max_vanished_share
        Share of the filled rows of the reference with a category that no row has now, by more than chance.
    min_rows, fresh_days
        Rows needed to judge, and how long a measurement counts.
    """

    max_missing_rise: Share
    max_unseen_share: Share
    max_out_of_range_share: Share
    max_vanished_share: Share = 0.01
    min_rows: Rows
    fresh_days: Days


class PersonalDataLimits(Checked):
    """When a column counts as personal data, and which kinds may not be in a batch at all.

    Attributes
    ----------
    min_share
        Share of the filled values that match a pattern.
    not_allowed
        Kinds whose values make the check fail; the others are told for the privacy measures.
    """

    min_share: Share
    not_allowed: tuple[PersonalKind, ...]


class DataQuality(Checked):
    """All limits, from `config/data_quality.yaml`."""

    version: str
    intake: IntakeLimits
    drift: DriftLimits
    quality: QualityLimits
    personal_data: PersonalDataLimits
