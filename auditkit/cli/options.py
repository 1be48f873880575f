"""Options that many commands have in common."""

from __future__ import annotations

import re
from pathlib import Path

import click

from auditkit.errors import InputError

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
STORE = click.option(
    "--store",
    metavar="URL",
    help="The evidence store, as a database URL.  [default: the user's own store]",
)
IN_PLACE = click.option(
    "--model-in-place",
    "in_place",
    is_flag=True,
    help="Make no copy: load the model from its own folder, which nobody but you can write to.",
)
WITNESSES = click.option(
    "--witness",
    "witnesses",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    metavar="PATH",
    help="An older report, or a saved checkpoint, that the store must begin with; may be repeated.",
)
OUT_FILE = click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file instead."
)


class Fingerprint(click.ParamType[str]):
    """A digest as auditkit prints it; fingerprints are also read as OpenSSL prints them."""

    name = "sha256"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """``sha256:`` and 64 lower-case hexadecimal digits."""
        digits = value.lower().removeprefix("sha256:").replace(":", "")
        if not re.fullmatch("[0-9a-f]{64}", digits):
            self.fail(f"{value!r} is not a SHA-256 digest: 64 hexadecimal digits", param, ctx)
        return f"sha256:{digits}"


class PolicyPath(click.ParamType[Path]):
    """A policy file, or ``example:NAME`` for one that comes with auditkit."""

    name = "policy"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path of the policy file."""
        from auditkit.resources import policy_file

        try:
            return policy_file(value)
        except InputError as error:
            self.fail("; ".join(problem.message for problem in error.problems), param, ctx)
