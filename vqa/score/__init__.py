"""Scores of single files by one trained network, looked at as the clean protocol does.

It may use training and all below it.
"""
