"""The four-step model: what is measured, how it is worked out, and how far a figure can be believed.

An indicator is an entry of the catalogue (`aldea.indicators.catalogue`): words, a method with its
parameters, and its rules. `compute` works out every value of a period from evidence that an `Inputs` gives.
"""

from __future__ import annotations
