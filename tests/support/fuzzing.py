"""What all fuzz tests share: how long the long ones are, and what every refusal must look like."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The short twin of each test draws the same few examples on every run, so that a red test stays red.
SHORT = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
# pytest -m fuzz; VQA_FUZZ_EXAMPLES=n for more or fewer.
LONG = settings(
    SHORT, max_examples=int(os.environ.get("VQA_FUZZ_EXAMPLES", "4000")), derandomize=False, print_blob=True
)
fuzz = pytest.mark.fuzz


def twins(
    check: Callable[..., None], *strategies: st.SearchStrategy, few: settings = SHORT, many: settings = LONG
) -> tuple[Callable[..., None], Callable[..., None]]:
    """The short and the long test of a check, which takes fixtures first and then an example of each strategy."""
    return few(given(*strategies)(check)), fuzz(many(given(*strategies)(check)))


def assert_one_line(error: Exception, *parts: str) -> None:
    """A refusal is one line that can be printed and names the place."""
    text = str(error)
    text.encode()
    assert text.isprintable(), repr(text)
    for part in parts:
        assert part in text, repr(text)
