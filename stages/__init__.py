"""The stages of the graph, one short file each."""

import vqa  # noqa: F401 - pins the instructions of NumPy and PyTorch before a stage imports them
