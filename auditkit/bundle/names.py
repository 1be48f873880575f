"""The names of a run's files."""

from __future__ import annotations

EVIDENCE = "evidence.json"
POLICY = "policy.yaml"
COMMITMENT = "policy.yaml.p7s"
HTML = "report.html"
HTML_SIGNATURE = "report.html.p7s"
PDF = "report.pdf"
CERTIFICATE = "certificate.pem"
ATTESTATION = "attestation.dsse.json"
MANIFEST = "MANIFEST.json"
EXTENDED_PDF = "report.extended.pdf"
"""The PDF with what was signed later: a reviewer's signature, newer timestamps. Not part of the run:
it begins with the run's own PDF, byte for byte, and the other files stay as they were signed."""

ALL_NAMES = frozenset(
    {EVIDENCE, POLICY, COMMITMENT, HTML, HTML_SIGNATURE, PDF, CERTIFICATE, ATTESTATION, MANIFEST}
)
"""Every name a run writes."""
