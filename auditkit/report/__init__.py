"""The report: a view of one record as a self-contained HTML page and as an archival PDF.

A pure function of the record and the law: no clock, network, database, environment or key.
"""
