"""One zip for an authority: a run's files, the model's manifest, instructions, and a verifier.

The zip is a function of the run's files and of this auditkit: names in order, one fixed time, nothing
compressed, so that it has the same bytes wherever it is made.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.helpers import HELPERS, helpers
from auditkit.bundle.names import CERTIFICATE, EVIDENCE, EXTENDED_PDF
from auditkit.bundle.run_files import manifest

RUN = "run/"
PACK = "PACK.json"
BESIDE = HELPERS | {PACK}
"""What a pack holds beside the files of the run, and the PDF as it was signed later."""

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest moment a zip can state: a pack says nothing of when it was packed."""


def pack(run_files: Mapping[str, bytes], extended: bytes | None = None) -> dict[str, bytes]:
    """Every file of a pack by name: those of a run below ``run/``, and what is packed with them.

    ``extended`` is the run's PDF with what was signed after the run, where something was.

    Raises:
        EvidenceError: the run's evidence or its signer's certificate cannot be read.
    """
    record = parse_evidence(run_files[EVIDENCE])
    files = {f"{RUN}{name}": content for name, content in run_files.items()}
    files |= helpers(record, run_files, run_files.get(CERTIFICATE, b""))
    if extended is not None:
        files[EXTENDED_PDF] = extended
    files[PACK] = listing(files)
    return files


def listing(files: Mapping[str, bytes]) -> bytes:
    """The canonical bytes of ``PACK.json``: every other file by name, with its size and SHA-256."""
    return manifest({name: content for name, content in files.items() if name != PACK})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The bytes of a zip of these files: the same for the same files, on every machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # a Unix, wherever it is made
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()
