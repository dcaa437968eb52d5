"""Runs seen from outside: their mirror in MLflow, and the gate that compares their metrics with a baseline.

It may use io alone; it reads the files of runs.
"""
