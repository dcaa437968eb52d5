"""``vqa new``: a data set of one's own as a scale of its own."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import project

EXAMPLE = "Example: `vqa new mine --videos ~/clips --labels ~/clips/mos.csv`, then `vqa repro --scale mine`"


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder to make, in the project; names the scale")],
    videos: Annotated[Path, typer.Option(help="folder of the videos (or images), at any depth; they stay there")],
    labels: Annotated[Path, typer.Option(help="list of names and MOS: any usual header, separator and encoding")],
    method: Annotated[list[str] | None, typer.Option(help="fastvqa, sama, simplevqa or, for images, sama_iqa")] = None,
    test: Annotated[float, typer.Option(help="share of the items that test, cut at random")] = 0.2,
    split: Annotated[str | None, typer.Option(help="column that says train or test, in place of --test")] = None,
    size: Annotated[str, typer.Option(help="demo: small networks, on a CPU; paper: the paper's, on a GPU")] = "demo",
    gamma: Annotated[float, typer.Option(help="size of the weight perturbations, relative to the weights")] = 0.0001,
    name: Annotated[str | None, typer.Option(help="column of the names, where it is no usual one")] = None,
    mos: Annotated[str | None, typer.Option(help="column of the MOS, where it is no usual one")] = None,
) -> None:
    """Make a scale of your own videos and opinion scores: trainings, a table, a figure, statistics.

    Every method has three rows, its own recipe, RWP and AWP; weights that were trained on LSVQ, where there are any,
    are scored as they are. DIR gets params.yaml, labels.csv (edit both as you like), sources.yaml, a link to the
    graph and a README.
    """
    from vqa.new.scale import Request, new_scale

    request = Request(folder, videos, labels, tuple(method or ("fastvqa",)), test, split, size, gamma, name, mos)
    new_scale(request, project(), print)
