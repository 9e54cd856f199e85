"""What the catalogue says of each indicator, and how a period is written."""

from __future__ import annotations

import pytest

from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.methods import METHODS
from aldea.indicators.periods import PeriodError, period_of


@pytest.mark.parametrize("code", ["", "2025-06", "202513", "202500", "2025Q5", "junio", "0000", "٢٠٢٥"])
def test_a_period_that_cannot_be_read_is_refused_with_what_one_looks_like(code: str) -> None:
    with pytest.raises(PeriodError, match=r"202506|such as"):
        period_of(code)


def test_every_entry_of_the_catalogue_names_a_method_and_says_all_it_must() -> None:
    for entry in CATALOGUE.values():
        assert entry.method_name in METHODS
        words = (entry.name, entry.definition, entry.formula, entry.numerator, entry.denominator, entry.source)
        assert all(text.es and text.en and text.es != text.en for text in words), entry.id
        assert entry.id.split("_")[0] in {"acc", "use", "apr", "wel"}
