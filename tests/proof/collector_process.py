"""The collector's process: `python -m aldea.collector` as it is, unless a fault is put in first."""

from __future__ import annotations

import os
import sys

from aldea.collector.__main__ import main
from proof.mutations import mutate_collector

if __name__ == "__main__":
    mutate_collector(os.environ.get("PROOF_MUTATION", ""))
    sys.exit(main(sys.argv[1:]))
