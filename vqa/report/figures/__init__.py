"""Figures: every panel reads its own block of params and draws it, ``figure`` puts panels together.

It may use the report's labels and wording, data (items), stats, settings, io and rng.
"""
