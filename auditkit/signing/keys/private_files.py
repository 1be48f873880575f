"""Files that hold a private key: made once, 0600 in a 0700 folder, and read by nobody else."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from auditkit.errors import EnvironmentUnavailableError

_LIMIT = 64 * 1024


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a key file, made there on first use with what ``make`` gives.

    The file has mode 0600, its folder 0700. When two processes make a key at the same moment, both
    get the one that was there first.

    Raises:
        EnvironmentUnavailableError: the folder cannot be written, others may read it or the file, or
            the file is not a regular one.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_shared(path.parent, path.parent.stat(), "700")
        if not os.path.lexists(path):
            _create(path, make())
        return read_private(path)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path}: no signing key can be kept there ({error.strerror or error})",
            advice="choose a folder that you can write and nobody else can read",
        ) from error


def _create(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            path.hardlink_to(temporary)  # unlike a rename, never replaces another process's key
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        temporary.unlink()


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner may read, and that is no link.

    Raises:
        OSError: it cannot be read.
        EnvironmentUnavailableError: others may read it, or it is not a regular file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise EnvironmentUnavailableError(
                f"{path}: not a usable key: it is not a regular file",
                advice="name the file that holds the key; one of auditkit's own is made anew once it is gone",
            )
        _refuse_shared(path, status, "600")
        return stream.read(_LIMIT)


def _refuse_shared(path: Path, status: os.stat_result, mode: str) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise EnvironmentUnavailableError(
            f"{path}: other users may read the signing key (mode {status.st_mode & 0o777:o})",
            advice=f"chmod {mode} {path}",
        )


def sync_folder(directory: Path) -> None:
    """Wait until the names in a folder are on the disk: a new file is lost without its name."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
