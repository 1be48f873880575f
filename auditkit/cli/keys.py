"""``auditkit keys``: which keys this machine signs with, and what each is worth."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.text import Text

from auditkit.cli import clock, places
from auditkit.cli.keyring import add_entry, key_named, named_keys, read_secret
from auditkit.cli.terminal import print_json, print_table, say
from auditkit.errors import AuditkitError, EnvironmentUnavailableError, ExitCode
from auditkit.signing.keys.keyring import (
    DEFAULT_KEY,
    KEY_NAME,
    Pkcs12Entry,
    Secret,
    highest_level,
    open_key,
)
from auditkit.signing.keys.signer import (
    DEVELOPMENT_KEY_FILE,
    development_key,
    fingerprint,
    load_certificate,
)


@dataclass(frozen=True)
class KeySummary:
    """One key as people and programs see it. ``problem`` says why it cannot be opened now."""

    name: str
    kind: str
    key_level: str | None = None
    subject: str | None = None
    issuer: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    certificate_sha256: str | None = None
    highest_level: str | None = None
    problem: str | None = None


def list_keys(*, as_json: bool) -> int:
    """Print every key of the machine; one that cannot be opened is listed with the reason."""
    found = [_summary(name, entry.kind) for name, entry in sorted(named_keys().items())]
    if as_json:
        print_json([asdict(each) for each in found])
        return ExitCode.CONSISTENT
    print_table(
        f"Signing keys of this machine ({places.keys_file()})",
        ["name", "kind", "certificate", "valid until", "reaches"],
        [
            [
                each.name,
                each.kind,
                each.subject or Text(each.problem or "", style="yellow"),
                each.valid_to or "-",
                each.highest_level or "-",
            ]
            for each in found
        ],
        whole=("name", "kind", "reaches"),
    )
    return ExitCode.CONSISTENT


def show_key(name: str, *, as_json: bool) -> int:
    """Print one key; it must be usable now."""
    key_named(name)
    found = _summary(name, named_keys()[name].kind)
    if as_json:
        print_json(asdict(found))
        return ExitCode.CONSISTENT
    for label, value in asdict(found).items():
        if value is not None:
            say(f"{label.replace('_', ' ')}: {value}")
    return ExitCode.CONSISTENT


def create_key() -> int:
    """Make the development key now, where there is none yet."""
    key = development_key(places.keys(), clock.now())
    say(f"development key {key.certificate_sha256}")
    say("It names nobody: a report signed with it shows only that its bytes did not change.")
    return ExitCode.CONSISTENT


def import_p12(
    path: Path, name: str, secret: Secret, trust: tuple[Path, ...], chain: tuple[Path, ...]
) -> int:
    """Copy a PKCS#12 file into auditkit's folder and give it a name, once it opens."""
    if re.fullmatch(KEY_NAME, name) is None:
        raise click.UsageError(f"{name!r} cannot name a key: begin with a letter, then a-z 0-9 - _")
    roots, more = (tuple(str(each.resolve()) for each in files) for files in (trust, chain))
    if name in named_keys() and name != DEFAULT_KEY:
        raise EnvironmentUnavailableError(
            f"a key named {name!r} exists", advice="choose another name with --name"
        )
    entry = Pkcs12Entry(
        kind="pkcs12", file=str(path.resolve()), passphrase=secret, trust=roots, chain=more
    )
    key = open_key(name, entry, places.home(), places.keys(), read_secret, clock.now())
    target = places.keys() / f"{name}.p12"
    _copy_private(path, target)
    kept = str(target.relative_to(places.home()))
    add_entry(name, entry.model_copy(update={"file": kept}))
    say(f"key {name}: {load_certificate(key.certificate).subject.rfc4514_string()}")
    say(f"It reaches level {highest_level(key)}. In a policy: signing: {{key: {name}}}")
    return ExitCode.CONSISTENT


def passphrase_from(variable: str | None, file: str | None) -> Secret:
    """Where the passphrase comes from: a variable, a file, or by default whoever is asked."""
    if variable is not None:
        return Secret(env=variable)
    if file is not None:
        return Secret(file=str(Path(file).resolve()))
    return Secret(prompt=True)


def _copy_private(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as stream, source.open("rb") as content:
            shutil.copyfileobj(content, stream)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{target}: the key cannot be kept there ({error.strerror or error})",
            advice="choose another name with --name, or another AUDITKIT_HOME",
        ) from error


def _summary(name: str, kind: str) -> KeySummary:
    if kind == "development" and not (places.keys() / DEVELOPMENT_KEY_FILE).exists():
        absent = "not made yet: the first run makes it, or auditkit keys create"
        return KeySummary(name, kind, problem=absent)
    try:
        key = key_named(name)
    except AuditkitError as error:
        return KeySummary(name, kind, problem=error.message)
    certificate = load_certificate(key.certificate)
    return KeySummary(
        name=name,
        kind=kind,
        key_level=key.level,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        valid_from=f"{certificate.not_valid_before_utc:%Y-%m-%d}",
        valid_to=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        certificate_sha256=fingerprint(key.certificate),
        highest_level=highest_level(key),
    )
