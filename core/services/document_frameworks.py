"""The section of a document on frameworks: which clauses apply, and whether they are answered."""

from __future__ import annotations

from core.domain.model_card import Missing, Part
from core.services.document_material import Material


def frameworks(material: Material) -> tuple[Part, ...]:
    """Which clauses are answered."""
    return (Missing("the mapping to frameworks", "Map the measures to clauses in the policy."),)
