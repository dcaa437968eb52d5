"""Statistics: metrics, intervals, paired tests, power, association over runs, and spread over seeds and splits.

Every function is plain NumPy and SciPy on arrays, and draws from a generator that it is given. It may use settings
alone.
"""
