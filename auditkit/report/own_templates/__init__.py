"""Sections in a provider's own layout. In reading order:

overriding  which templates may be replaced
guarding    what a provider's template may hold
"""
