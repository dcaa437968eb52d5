"""``vqa publish``: pages that can be read without running anything."""

from vqa.cli.scale import Scale, entered

EXAMPLE = "Example: `vqa publish --scale real`, after `vqa repro --scale real`"


def publish(scale: Scale = None) -> None:
    """Write the pages of a scale to results/SCALE: front page, verdicts, tables, figures."""
    with entered(scale):
        raise NotImplementedError
