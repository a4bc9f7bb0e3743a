"""What a journal adds up to, counted on from where the last look ended: for Prometheus and its like."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.counters.series import HISTOGRAMS, SERIES, Kind, Sample, Series
from examsgraph_callbacks.lazy import lazy_names

if TYPE_CHECKING:
    from examsgraph_callbacks.counters.counting import Counted, Counters

__all__ = ["HISTOGRAMS", "SERIES", "Counted", "Counters", "Kind", "Sample", "Series"]

# counting takes numpy and pyarrow, which whoever only names series does not need
__getattr__ = lazy_names(__name__, dict.fromkeys(["Counted", "Counters"], "counting"))
