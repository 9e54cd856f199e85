"""Where samples live as time series.

What may live here: the implementations of `aldea.model.series.SeriesStore`, one folder each, and what they
share. What may not: knowledge of who writes or reads, and any store of other things than samples.
"""

from aldea.storage.series.opening import open_series_store

__all__ = ["open_series_store"]
