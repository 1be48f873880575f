"""``auditkit commit``: sign and timestamp a policy before its run."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.run_files import write_new
from auditkit.cli import clock
from auditkit.cli.check import own_templates, refuse
from auditkit.cli.keyring import key_named
from auditkit.cli.terminal import say
from auditkit.errors import EvidenceError, ExitCode, InputError, Problem
from auditkit.policy import LoadedPolicy, load_policy
from auditkit.policy.checking import check_policy
from auditkit.records.audit import Commitment
from auditkit.signing.cades import sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.timestamps import Plan


def commit_policy(
    policy: Path, key: str | None, timestamp_url: str | None, out: Path | None
) -> int:
    """Write the commitment beside the policy, and say what it shows."""
    loaded = load_policy(policy)
    refuse(check_policy(loaded))
    own_templates(loaded)
    signing = loaded.policy.signing
    url = timestamp_url or signing.timestamp_url
    plan = Plan("B-B" if url is None else "B-T", url)
    signature = sign_detached(loaded.content, key_named(key or signing.key), clock.now(), plan)
    made = read_commitment(loaded.content, signature)
    path = out or commitment_file(policy)
    write_new(path, signature, "--out")
    say(f"committed: {loaded.sha256}")
    say(f"by:        {made.signer} ({made.certificate_sha256})")
    if made.timestamped_at is None:
        say(f"at:        {made.signed_at}, by this machine's clock. Nothing else shows when it was")
        say("           signed: give a timestamp service with --timestamp-url for that.")
    else:
        say(f"at:        {made.timestamped_at}, by the clock of {made.authority}")
    say(f"written:   {path}")
    return ExitCode.CONSISTENT


def commitment_file(policy: Path) -> Path:
    """Where the commitment of a policy lies: beside it."""
    return policy.with_name(f"{policy.name}.p7s")


def commitment_of(loaded: LoadedPolicy, named: Path | None) -> tuple[bytes, Commitment] | None:
    """The commitment named, or beside the policy, with what it says; ``None`` where there is none.

    Raises:
        InputError: there is one, and it is not of this policy as it now is.
    """
    path = named or commitment_file(loaded.path)
    try:
        if named is None and not path.is_file():
            return None
        signature = path.read_bytes()
        return signature, read_commitment(loaded.content, signature)
    except (OSError, EvidenceError) as error:
        message = f"no commitment to {loaded.path.name} as it now is: {error}"
        advice = "move it away and commit again; without one the report says that none was made"
        raise InputError([Problem(str(path), None, "", message, advice)]) from error
