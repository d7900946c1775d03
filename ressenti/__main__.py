"""`python -m ressenti`, the same as the command `ressenti`."""

import sys

from ressenti.cli import main

if __name__ == "__main__":
    sys.exit(main())
