"""The sections of the report that are not about one task. In reading order:

front        page 1
articles     the items of Article 13 and Annex IV
matrix       claims and what they rest on
calibration  the known-answer controls
signing      key and level
appendix     everything else
"""
