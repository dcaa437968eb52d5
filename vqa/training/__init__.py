"""A run: what it trains on, the loop, prediction, evaluation under both protocols, and motion features.

It may use methods and all below them.
"""
