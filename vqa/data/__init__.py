"""Data sets, from the catalogue's entry to prepared items: decoding, real sets, published ones, synthetic ones.

It may use sources, settings, io and rng; it knows no network and no training.
"""
