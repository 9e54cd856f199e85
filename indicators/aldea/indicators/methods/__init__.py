"""The methods by name. An indicator names one and gives it parameters; a new indicator seldom needs a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aldea.indicators.methods.assessed import ShareOfAssessedSites
from aldea.indicators.methods.businesses import ShareImproved
from aldea.indicators.methods.cohorts import CohortCompletion
from aldea.indicators.methods.days import MeanOverDays, ShareOfDays
from aldea.indicators.methods.events import MeanPerEvent
from aldea.indicators.methods.method import Method
from aldea.indicators.methods.persons import DistinctPersonsPer
from aldea.indicators.methods.time import ShareOfSites, ShareOfTime

METHODS: Final[Mapping[str, type[Method]]] = {
    "share_of_time": ShareOfTime,
    "share_of_sites": ShareOfSites,
    "share_of_days": ShareOfDays,
    "mean_over_days": MeanOverDays,
    "share_of_assessed_sites": ShareOfAssessedSites,
    "distinct_persons_per": DistinctPersonsPer,
    "cohort_completion": CohortCompletion,
    "mean_per_event": MeanPerEvent,
    "share_improved": ShareImproved,
}

__all__ = ["METHODS", "Method"]
