"""DVC's graph: its stages run side by side, and the fingerprints by which it knows what is out of date.

It may use io alone: it runs stages without knowing what they do.
"""
