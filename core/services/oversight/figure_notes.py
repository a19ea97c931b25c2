"""What a figure means, as sentences to show beside it."""

from __future__ import annotations

from typing import Literal, Protocol


class DefinedFigure(Protocol):
    """Anything that says how it is counted: a KPI definition or a metric of a model."""

    @property
    def formula(self) -> str: ...
    @property
    def direction(self) -> Literal["higher", "lower"]: ...
    @property
    def zero_means(self) -> str: ...
    @property
    def leaves_out(self) -> str: ...
    @property
    def source(self) -> str: ...


def figure_notes(figure: DefinedFigure) -> tuple[str, ...]:
    """Formula, direction, what zero means, what it leaves out, and the source; one sentence each."""
    return (
        f"Formula: {figure.formula}",
        f"Direction: {figure.direction} is better.",
        f"Zero: {figure.zero_means}",
        f"Leaves out: {figure.leaves_out}",
        f"Source: {figure.source}",
    )
