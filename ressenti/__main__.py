"""`python -m ressenti`, the same as the command `ressenti`."""

from ressenti.cli import run

if __name__ == "__main__":
    run()
