"""`python -m aldea.deploy.cli`: the `aldea` command without its script."""

import sys

from aldea.deploy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
