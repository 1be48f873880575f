"""Runs signed by keys of every kind verify, here and elsewhere; by weaker keys or digests they do not."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from pyhanko.sign.signers.pdf_cms import SimpleSigner

from auditkit.bundle.writing import publish
from auditkit.errors import EvidenceError
from auditkit.signing import pdf as pdf_module
from auditkit.signing.accepted import require_accepted_stamp
from auditkit.signing.cades import check_detached, sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.dsse import sign_statement, statement_about, verify_envelope
from auditkit.signing.keys import schemes
from auditkit.signing.keys.schemes import ASK_FOR, PKCS1, PSS, Scheme
from auditkit.signing.keys.signer import SigningKey
from auditkit.signing.pdf import countersign_pdf, sign_pdf
from auditkit.signing.seal import check_pdf_signature
from auditkit.signing.timestamps import PLAIN
from auditkit.verifying import protocol
from auditkit.verifying.protocol import verify
from tests.builders import audit_record
from tests.signed_runs import (
    NOW,
    RUN_ID,
    bundle_of,
    measured_record,
    one_page_pdf,
    take_the_policy_as_it_is,
)
from tests.signers import KINDS, from_a_file, private_key, self_signed

FILES = {"evidence.json": b"{}", "policy.yaml": b"auditkit: 1\n"}
