"""``auditkit commit``: sign and timestamp a policy before its run."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.run_files import write_new
from auditkit.cli import clock
from auditkit.cli.keyring import key_named
from auditkit.cli.terminal import say, warn
from auditkit.errors import ExitCode
from auditkit.policy import load_policy
from auditkit.policy.checking import check_policy
from auditkit.running import commitment_file, own_templates
from auditkit.signing.cades import sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.timestamps import Plan


def commit_policy(
    policy: Path, key: str | None, timestamp_url: str | None, out: Path | None
) -> int:
    """Write the commitment beside the policy, and say what it shows."""
    loaded = load_policy(policy)
    check_policy(loaded).refuse(warn)
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
