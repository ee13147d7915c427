"""``python -m lrsched``."""

from lrsched.cli import run

if __name__ == "__main__":
    run()
