"""The fixtures of the commands, for runs of this family."""

from tests.cli.conftest import command, folder

__all__ = ["command", "folder"]
