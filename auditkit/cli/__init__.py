"""The command line: the only part that touches terminal, clock, environment and key files."""

from auditkit.cli.entry import main

__all__ = ["main"]
