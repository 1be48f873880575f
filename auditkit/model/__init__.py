"""Access to the audited model: fingerprint its files, load it, find its heads, run and patch it.

``fingerprint`` needs no torch; everything else here does.
"""
