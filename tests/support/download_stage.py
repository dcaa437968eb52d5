"""A download as a stage, so that it can be killed like one: URL and SHA-256 on the command line."""

import sys
from pathlib import Path

from vqa.sources.download import RemoteFile, obtain_all


def main() -> None:
    obtain_all([RemoteFile(sys.argv[1], "weights.pth", sys.argv[2], "free")], Path("models"))
