"""Signatures: who made a report, and that nothing in it changed since.

``keys`` holds the signing key and its certificate, ``pdf`` the seal on the PDF (PAdES), ``dsse``
the attestation that ties all files of a run together.
"""
