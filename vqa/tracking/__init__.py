"""Runs seen from outside: their mirror in MLflow, and the gate that compares their metrics with a baseline.

It may use settings and io; it reads the files of runs.
"""
