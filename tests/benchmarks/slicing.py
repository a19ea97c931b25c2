"""Slices by DuckDB's group-by beside fairlearn's MetricFrame, on the census batch of the demo."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT
from core.lake import monitoring
from core.lake.slice_counts import slice_counts
from core.lake.store import open_store
from core.services.governance import wire
from core.services.monitoring import modelled
from tests.benchmarks.timing import spread, times

FEATURES = ("sex", "race")


def measure(store: Path) -> dict[str, str]:
    """Time two-feature slices of the census both ways, in one run."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    governance = wire(open_store(store), PROJECT / "config")
    moment = governance.moment(datetime.now(UTC))
    models = modelled(governance, moment)
    batches = [
        b for m in models for b in monitoring.batches(governance.store, m["initiative"], m["version"], moment)
    ]
    census = next(b for b in batches if set(FEATURES) <= set(b["columns"]) and b["part"] == "analysis")
    frame = pd.read_parquet(census["path"])
    rates = {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "precision": precision_score,
        "accuracy": accuracy_score,
    }

    def theirs() -> None:
        compared = MetricFrame(
            metrics=rates,
            y_true=frame["y_true"],
            y_pred=frame["y_pred"],
            sensitive_features=frame[list(FEATURES)],
        )
        compared.by_group.shape  # noqa: B018 - computed when asked for

    ours = times(lambda: slice_counts(governance.store.cursor(), [census["path"]], "binary", FEATURES), 15)
    fairlearn = times(theirs, 3)
    governance.close()
    ratio = statistics.median(fairlearn) / statistics.median(ours)
    return {
        f"{len(frame):,} rows by {' and '.join(FEATURES)}, group-by": spread(ours),
        f"{len(frame):,} rows by {' and '.join(FEATURES)}, MetricFrame": spread(fairlearn),
        "ratio": f"{ratio:8.0f} times",
    }
