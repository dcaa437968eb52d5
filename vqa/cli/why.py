"""``vqa why``: what a stage would run for."""

from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

EXAMPLE = "Examples: `vqa why tables`, `vqa why train@A02-fastvqa-konvid1k-wd0`, `vqa why evaluate`"


def why(
    stages: Annotated[list[str], typer.Argument(metavar="STAGE", help="a stage, or a group such as evaluate")],
    scale: Scale = None,
) -> int:
    """Say why stages would run, or that they would not: which value of params, module, or file is not what it was.

    Nothing runs but the stage of fingerprints, which notes the code and the params as they are.
    """
    with entered(scale):
        from vqa.graph.runner import refresh_fingerprints
        from vqa.graph.why import why as reasons_of
        from vqa.settings.params import load

        load()
        if not refresh_fingerprints():
            raise InputError("the stage fingerprints failed; .state/logs/fingerprints.log says why")
        for name, reasons in reasons_of(stages).items():
            print(f"{name} would run: {'; '.join(reasons)}" if reasons else f"{name} is up to date")
    return 0
