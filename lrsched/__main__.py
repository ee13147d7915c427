"""``python -m lrsched``."""

from lrsched.cli import run

if __name__ == "__main__":  # pragma: no branch - only the processes that a scan starts import it
    run()
