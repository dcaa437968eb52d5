"""Reproducibility benchmark for video quality assessment (arXiv 2409.14847)."""
