"""DVC's graph: its stages side by side, here or elsewhere, and the fingerprints by which it knows what is stale.

It may use io and settings alone: it runs stages without knowing what they do.
"""
