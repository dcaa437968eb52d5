"""``vqa doctor``: what will and will not work here."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered

EXAMPLE = "Examples: `vqa doctor`, `vqa doctor --scale paper`"


def doctor(
    cluster: Annotated[Path | None, typer.Option(help="cluster file to look at, too")] = None, scale: Scale = None
) -> int:
    """Say whether a scale can run on this machine: Python, packages, processor, GPU, disk, data, decoders, cluster.

    One line each, with what to do where something is not as it should be. Exit code 1 if the scale cannot run.
    """
    from vqa.bench.doctor import BAD, examine
    from vqa.settings.params import load

    states, cluster = [], cluster and cluster.absolute()
    with entered(scale):
        params = load()
        for finding in examine(params, Path(params.root), cluster):
            states.append(finding.state)
            print(f"{finding.state:4}  {finding.what}{f': {finding.remedy}' if finding.remedy else ''}")
        bad = states.count(BAD)
        print(f"the {params.common.scale} scale {'cannot run here' if bad else 'can run here'}")
    return int(bad > 0)
