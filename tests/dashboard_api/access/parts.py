"""Three sites of three states, and an incident that two of them have in common."""

from __future__ import annotations

# escuela-01 and aldea-01 are in Yucatán; aldea-04 is in Chihuahua, aldea-09 too; aldea-02 and aldea-03 in Chiapas.
CHIAPAS, JUAREZ, YUCATAN = "aldea-02", "aldea-04", "escuela-01"
GROUP = "g-mixed"
