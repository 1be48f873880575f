"""What is fed: each target takes the bytes of one file, and may only refuse them as auditkit does."""

from __future__ import annotations

import base64
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditkit.bundle.names import ATTESTATION, EVIDENCE, HTML, MANIFEST, PDF
from auditkit.errors import AuditkitError
from auditkit.policy.loading import parse_policy
from auditkit.signing.dsse import PAYLOAD_TYPE, pre_authentication_encoding
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying import rendered, verify
from tests.conftest import ROOT
from tests.fuzz.mutations import OF_BYTES, Mutation, of_json
from tests.laid_out import laid_out_once

rendered.render_pdf = laid_out_once  # type: ignore[assignment, attr-defined]

SAMPLE = ROOT / "sample_reports" / "mechanism_not_assessed"
"""The shortest sample report: the less there is to verify, the more files are tried."""


@dataclass(frozen=True)
class Target:
    """One kind of file: ``seeds`` to break, ways to break them, and what reads the result."""

    name: str
    seeds: Callable[[], list[bytes]]
    mutations: tuple[Mutation, ...]
    read: Callable[[bytes], None]


def _policies() -> list[bytes]:
    paths = [*(ROOT / "policies").glob("*.yaml"), *(ROOT / "tests" / "fixtures").glob("*.yaml")]
    return [path.read_bytes() for path in sorted(paths)]


def _read_policy(content: bytes) -> None:
    parse_policy(content, Path("policy.yaml"))


def _in_a_run(name: str) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as made:
            directory = Path(made) / "run"
            shutil.copytree(SAMPLE, directory)
            (directory / name).write_bytes(content)
            verify(directory)

    return read


def _sample(name: str) -> Callable[[], list[bytes]]:
    return lambda: [(SAMPLE / name).read_bytes()]


def _read_pdf(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "report.pdf"
        path.write_bytes(content)
        verify(path)


def _statement_changed(content: bytes, chance: random.Random) -> bytes:
    """The statement inside the envelope broken; its encoding and lengths are right again."""
    try:
        document = json.loads(content)
        payload = of_json(base64.b64decode(document["payload"]), chance)
        assert pre_authentication_encoding(PAYLOAD_TYPE, payload)
        document["payload"] = base64.b64encode(payload).decode("ascii")
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("utf-8")
    except (ValueError, TypeError, KeyError):
        return content


def _store() -> list[bytes]:
    from tests.builders import audit_record, note_signer

    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "evidence.db"
        EvidenceStore.open(f"sqlite:///{path}", signer=note_signer()).append(audit_record())
        return [path.read_bytes()]


def _read_store(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "evidence.db"
        path.write_bytes(content)
        store = EvidenceStore.open(f"sqlite:///{path}", create=False)
        store.audit()
        store.list()


TARGETS = {
    target.name: target
    for target in (
        Target("policy", _policies, OF_BYTES, _read_policy),
        Target("evidence", _sample(EVIDENCE), (*OF_BYTES, *[of_json] * 12), _in_a_run(EVIDENCE)),
        Target(
            "statement",
            _sample(ATTESTATION),
            (*OF_BYTES, of_json, *[_statement_changed] * 4),
            _in_a_run(ATTESTATION),
        ),
        Target("manifest", _sample(MANIFEST), (*OF_BYTES, of_json), _in_a_run(MANIFEST)),
        Target("html", _sample(HTML), OF_BYTES, _in_a_run(HTML)),
        Target("pdf", _sample(PDF), OF_BYTES, _read_pdf),
        Target("store", _store, OF_BYTES, _read_store),
    )
}


def fed(target: str, content: bytes) -> str:
    """Nothing, where the target read the bytes or refused them as it may; else what it broke off with."""
    try:
        TARGETS[target].read(content)
    except AuditkitError:
        return ""
    except Exception as error:  # noqa: BLE001 - what is looked for
        return f"{type(error).__name__}: {error}"[:300]
    return ""
