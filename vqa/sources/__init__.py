"""Bytes from outside, verified: downloads, mirrors and checksums, archives and pickles that cannot do harm.

It may use io alone; it knows no data set.
"""
