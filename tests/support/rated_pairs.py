"""Predictions and MOS as hypothesis draws them, for what is said of correlations."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st


@st.composite
def rated_pairs(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and MOS with ties, neither of them constant."""
    n = draw(st.integers(4, 15))
    pred, mos = (np.array(draw(st.lists(numbers, min_size=n, max_size=n))) for _ in range(2))
    assume(np.ptp(pred) > 0)
    assume(np.ptp(mos) > 0)
    return pred, mos
