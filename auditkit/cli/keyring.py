"""The machine's keys file, and the secrets its keys are opened with.

``keys.yaml`` in auditkit's folder gives each name its key. It may name a program library to load, so
only its owner may write it. Secrets come from where it says; never from it, a policy or an option.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import click
import yaml
from pydantic import ValidationError

from auditkit.cli import clock, places
from auditkit.errors import EnvironmentUnavailableError, InputError, Problem
from auditkit.policy.source import read_source
from auditkit.signing.keys.keyring import (
    DEFAULT_KEY,
    DevelopmentEntry,
    Entry,
    KeysFile,
    Secret,
    open_key,
)
from auditkit.signing.keys.private_files import read_private
from auditkit.signing.keys.signer import Signer


def named_keys() -> dict[str, Entry]:
    """The machine's keys by name; ``default`` is the development key unless the file says otherwise.

    Raises:
        InputError: the keys file is not valid.
        EnvironmentUnavailableError: others may write it.
    """
    return {DEFAULT_KEY: DevelopmentEntry(kind="development"), **_read().keys}


def key_named(name: str) -> Signer:
    """A key by its name, ready to sign now.

    Raises:
        EnvironmentUnavailableError: no key has the name, or it cannot be used.
        InputError: the keys file is not valid.
    """
    known = named_keys()
    if name not in known:
        raise EnvironmentUnavailableError(
            f"no signing key is named {name!r} on this machine",
            advice=f"its keys are {', '.join(sorted(known))}; add one in {places.keys_file()}",
        )
    return open_key(name, known[name], places.home(), places.keys(), read_secret, clock.now())


def add_entry(name: str, entry: Entry) -> None:
    """Writes one more key into the keys file, which is replaced as a whole.

    Raises:
        EnvironmentUnavailableError: the name is taken, or the file cannot be written.
        InputError: the keys file is not valid.
    """
    keys = _read().keys
    if name in keys:
        raise EnvironmentUnavailableError(
            f"a key named {name!r} exists", advice="choose another name, or edit the keys file"
        )
    written = KeysFile(keys={**keys, name: entry}).model_dump(mode="json", exclude_defaults=True)
    path = places.keys_file()
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(yaml.safe_dump(written, sort_keys=True))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EnvironmentUnavailableError(
            f"{path}: the keys file cannot be written ({error.strerror or error})",
            advice="give auditkit a folder it can write (AUDITKIT_HOME)",
        ) from error


def read_secret(secret: Secret, what: str) -> str:
    """A secret from the environment, a private file, or the person at the terminal.

    Raises:
        EnvironmentUnavailableError: it is not there.
    """
    if secret.env is not None:
        value = os.environ.get(secret.env)
        if value is None:
            raise EnvironmentUnavailableError(
                f"{what}: the environment variable {secret.env} is not set",
                advice=f"set {secret.env}",
            )
        return value
    if secret.file is not None:
        path = places.home() / secret.file
        try:
            return read_private(path).decode("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentUnavailableError(
                f"{what}: {path} cannot be read", advice="name a private file of text"
            ) from error
    if not sys.stdin.isatty():
        raise EnvironmentUnavailableError(
            f"{what}: there is no terminal to ask at",
            advice="let the keys file name an environment variable or a file instead",
        )
    return str(click.prompt(what.capitalize(), hide_input=True, err=True))


def _read() -> KeysFile:
    path = places.keys_file()
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            content = stream.read(1024 * 1024)
    except FileNotFoundError:
        return KeysFile()
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path}: the keys file cannot be read ({error.strerror or error})"
        ) from error
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise EnvironmentUnavailableError(
            f"{path}: other users may write the keys file", advice=f"chmod 600 {path}"
        )
    source = read_source(content, str(path))
    try:
        found = KeysFile.model_validate(source.data)
    except ValidationError as error:
        raise InputError(
            [_problem(path, each["loc"], each["msg"]) for each in error.errors()]
        ) from error
    if source.problems:
        raise InputError(source.problems)
    return found


def _problem(path: Path, place: tuple[str | int, ...], message: str) -> Problem:
    return Problem(str(path), None, ".".join(map(str, place)), message)
