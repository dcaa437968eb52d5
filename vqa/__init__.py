"""Reproducibility benchmark for video quality assessment (arXiv 2409.14847).

Import it before NumPy and PyTorch: it tells them which instructions to use (:mod:`vqa.cpu`).
"""

from vqa import cpu

cpu.pin()
