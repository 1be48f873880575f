"""The command line: the only part that touches the terminal, the clock, the environment and keys."""

from auditkit.cli.entry import main

__all__ = ["main"]
