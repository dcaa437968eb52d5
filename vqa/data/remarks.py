"""What is odd about a file that is read all the same: said of a file that is scored, counted in a data set."""

from typing import NamedTuple


class Remark(NamedTuple):
    """Something odd: its kind, which is counted, and a text."""

    kind: str
    text: str
