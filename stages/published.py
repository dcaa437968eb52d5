"""Bring the files of one published entry to ``data/published/ENTRY``: ``python -m stages.published ENTRY``.

Entries are those of :mod:`vqa.data.published.entries`: label lists, features, predictions, logs and clips that others
published. Files come from the folder that ``VQA_MIRROR`` names, or from their addresses, and must have their checksums.
"""

import argparse

from vqa.data.published.entries import PUBLISHED, ROOT, fetch_entry
from vqa.io import run_stage


def main() -> None:
    """Bring the entry named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entry", help=f"one of {', '.join(PUBLISHED)}")
    name = parser.parse_args().entry
    fetch_entry(name, ROOT / name)


if __name__ == "__main__":
    run_stage(main)
