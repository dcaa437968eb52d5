"""Statistics of correlations: intervals, paired tests, power, association over runs, and spread over seeds and splits.

Every function is plain NumPy and SciPy on arrays, and draws from a generator that it is given.
"""

from vqa.stats.correlation import (
    BLOCK,
    ROW_METRICS,
    percentile_interval,
    resampled_correlation,
    resampled_ranks,
    row_plcc,
    row_srcc,
)

__all__ = [
    "BLOCK",
    "ROW_METRICS",
    "percentile_interval",
    "resampled_correlation",
    "resampled_ranks",
    "row_plcc",
    "row_srcc",
]
