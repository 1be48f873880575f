"""What a run on this machine takes from outside: the clock, the user's folders, store and keys."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.cli import clock, places
from auditkit.cli.keyring import key_named
from auditkit.cli.terminal import warn as to_the_terminal
from auditkit.running import Surroundings
from auditkit.signing.keys.store_key import store_signer
from auditkit.store.evidence_store import EvidenceStore


def standard(
    store_url: str | None = None, warn: Callable[[str], None] = to_the_terminal
) -> Surroundings:
    """The surroundings of this machine's user; ``store_url`` names another store than the user's own."""

    def store() -> EvidenceStore:
        signer = store_signer(places.keys())
        return EvidenceStore.open(store_url or places.default_store(), signer=signer)

    return Surroundings(
        now=clock.now,
        new_run_id=clock.new_run_id,
        automated=places.automated(),
        snapshots=places.snapshots(),
        models=places.models(),
        store=store,
        key=key_named,
        warn=warn,
    )
