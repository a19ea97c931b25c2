"""Charts: each takes plain rows and draws; what columns it wants stands in its docstring."""

from portal.components.charts.bars import interval_bars
from portal.components.charts.canvas import Rows, Threshold
from portal.components.charts.decay import decay_chart
from portal.components.charts.heat import heat_map
from portal.components.charts.slices import slice_figure

__all__ = ["Rows", "Threshold", "decay_chart", "heat_map", "interval_bars", "slice_figure"]
