"""Whether a model is the one its policy fixed beforehand: by digest, or by a signature over its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from auditkit.digest import sha256_hex
from auditkit.errors import InputError, ModelError
from auditkit.model.holding import Held
from auditkit.policy import LoadedPolicy
from auditkit.policy.schema import ModelSignature
from auditkit.records.model import Pin, PinnedDigest, PinnedSignature
from auditkit.signing.model_signature import (
    SignedModel,
    read_bundle,
    read_certificates,
    read_public_key,
    verify_with_certificates,
    verify_with_key,
)

_ANOTHER = "audit the model that the policy is about, or declare a policy for this one"
_MAX_BYTES = 64 * 1024 * 1024
_SHOWN = 5

Read = TypeVar("Read")


def confirm_pins(loaded: LoadedPolicy, held: Held) -> tuple[Pin, ...]:
    """Everything by which the policy fixed the model's files, each found to agree with them.

    Raises:
        InputError: a signature, key or certificate that the policy names cannot be read.
        ModelError: the files are others than the policy fixed; says which where that is known.
    """
    model, files = loaded.policy.model, held.files
    pins: list[Pin] = []
    for by, declared, found in (
        ("root_digest", model.root_digest, files.root_digest),
        ("weights_digest", model.weights_digest, files.weights_digest),
    ):
        if declared is None:
            continue
        if declared != found:
            raise ModelError(
                f"{held.origin}: its {by} is {found}, and model.{by} in the policy is {declared}",
                advice=_ANOTHER,
            )
        pins.append(PinnedDigest.model_validate({"by": by, "value": declared}))
    if model.signature is not None:
        pins.append(_signature(loaded, model.signature, held))
    return tuple(pins)


def differences(files: Mapping[str, str], expected: Mapping[str, str]) -> tuple[str, ...]:
    """What tells the files of a folder (digest by path) from those expected, in words; empty if nothing."""
    return tuple(
        f"{word}: {_listed(names)}"
        for word, names in (
            ("changed", sorted(n for n in files.keys() & expected if files[n] != expected[n])),
            ("missing", sorted(expected.keys() - files.keys())),
            ("extra", sorted(files.keys() - expected.keys())),
        )
        if names
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _signature(loaded: LoadedPolicy, named: ModelSignature, held: Held) -> PinnedSignature:
    content, signed = _verified(loaded, named)
    files = {entry.path: entry.sha256 for entry in held.files.manifest}
    beside = _below(held.origin, loaded.folder / named.bundle)
    if beside is not None and beside not in signed.files:
        files.pop(beside, None)  # the signature itself, lying with what it signs
    # Hidden files are no part of the model here: they are neither hashed nor loaded.
    expected = {n: d for n, d in signed.files.items() if not _hidden(n)}
    if found := differences(files, expected):
        raise ModelError(
            f"{held.origin}: not the files that were signed ({'; '.join(found)})", advice=_ANOTHER
        )
    return PinnedSignature(
        by="signature",
        bundle=f"sha256:{sha256_hex(content)}",
        key=signed.key,
        subject=signed.subject,
    )


def _verified(loaded: LoadedPolicy, named: ModelSignature) -> tuple[bytes, SignedModel]:
    """The bytes of the signature file, and what it says of the model once verified."""
    content, bundle = _read(loaded, "bundle", named.bundle, read_bundle)
    if named.public_key is not None:
        _, key = _read(loaded, "public_key", named.public_key, read_public_key)
        return content, verify_with_key(bundle, key)
    _, trusted = _read(loaded, "certificate", named.certificate, read_certificates)
    return content, verify_with_certificates(bundle, trusted)


def _read(
    loaded: LoadedPolicy, key: str, name: str, parse: Callable[[bytes], Read]
) -> tuple[bytes, Read]:
    path = loaded.folder / name
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES)
        return content, parse(content)
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except ValueError as error:
        reason = str(error)
    raise InputError([loaded.problem(("model", "signature", key), f"{path}: {reason}")])


def _below(folder: Path, path: Path) -> str | None:
    """The path below the folder, or ``None`` where it lies elsewhere."""
    inside, outer = path.resolve(), folder.resolve()
    return inside.relative_to(outer).as_posix() if inside.is_relative_to(outer) else None


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))
