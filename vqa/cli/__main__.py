"""``python -m vqa.cli`` is ``vqa``, where the package is not installed."""

from vqa.cli.app import main

main()
