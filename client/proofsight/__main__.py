"""`python -m proofsight`: the command line."""

import sys

from proofsight.cli import main

if __name__ == "__main__":
    sys.exit(main())
