"""Scores of single files by one trained network, looked at as the clean protocol does."""
