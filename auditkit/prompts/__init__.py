"""Prompts: pairs made by generators or read from files, resolved to tokens, split into two sets."""
