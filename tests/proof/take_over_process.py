"""`take-over` as the agent's command has it, in many small steps: so there are many moments to be killed at."""

from __future__ import annotations

import os
import sys

from aldea.agents import __main__ as agent
from aldea.agents.outbox import old

ROWS_A_STEP = 4


def main() -> int:
    """Take over the disk in `PROOF_OLD`; return what the command returns."""
    old.WINDOW = ROWS_A_STEP
    return agent.main(["take-over", os.environ["PROOF_OLD"], "--yes", "--config", os.environ["PROOF_CONFIG"]])


if __name__ == "__main__":
    sys.exit(main())
