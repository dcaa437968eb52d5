"""Regressions of MOS on published features, and rows of tables that come from outside.

It may use data, stats, settings, io and rng; it knows no network.
"""
