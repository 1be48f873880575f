"""A run's files. In reading order:

evidence   records to canonical bytes and back
run_files  names, manifest, writing all of them or none
packing    one zip for an authority
"""
