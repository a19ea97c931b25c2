"""Every figure that a page can show says how it is counted, what zero means and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from core.analytics.decay.metrics import DECAY_METRICS
from core.analytics.drift.methods import METHODS
from core.analytics.slices.fairness import FAIRNESS
from core.analytics.slices.metrics import SLICE_METRICS
from core.connectors.settings import PROJECT
from core.domain.process.kpis import Kpis

KPIS = Kpis.model_validate(
    yaml.safe_load((PROJECT / "config" / "kpis.yaml").read_text(encoding="utf-8"))
).kpis
FIGURES: dict[str, Any] = {
    f"{kind}:{one.id}": one
    for kind, known in (
        ("slices", SLICE_METRICS.values()),
        ("between slices", FAIRNESS),
        ("decay", DECAY_METRICS.values()),
        ("drift", METHODS.values()),
        ("KPI", KPIS),
    )
    for one in known
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_what_it_is_which_way_what_zero_means_and_what_it_leaves_out(name: str) -> None:
    figure = FIGURES[name]
    assert figure.direction.startswith(("higher", "lower", "zero"))
    for part in ("formula", "zero_means", "leaves_out", "source"):
        said = getattr(figure, part)
        assert len(said.split()) >= 2, (name, part, said)
