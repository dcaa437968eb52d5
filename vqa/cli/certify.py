"""``vqa certify``: stages run anew in fresh clones, and how near they come."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

EXAMPLE = "Examples: `vqa certify`, `vqa certify --all`, `vqa certify train@A15-fastvqa-konvid1k-awp1e-4`"


def certify(
    stages: Annotated[
        list[str] | None, typer.Argument(metavar="STAGE", help="these, or groups of them; default: drawn")
    ] = None,
    sample: Annotated[int, typer.Option(help="draw so many, whatever they take")] = 0,
    every: Annotated[bool, typer.Option("--all", help="all stages")] = False,
    minutes: Annotated[float, typer.Option(help="draw what fits into this time")] = 2.0,
    seed: Annotated[int, typer.Option(help="of the draw; -1: from the digest of dvc.lock")] = -1,
    jobs: Annotated[int, typer.Option(help="stages at a time; 0: one per core, one where there are GPUs")] = 0,
    keep: Annotated[Path | None, typer.Option(metavar="FOLDER", help="leave the clones and logs there")] = None,
    scale: Scale = None,
) -> int:
    """Run stages anew, each in a fresh clone of the present commit, and say how near they come to dvc.lock.

    The same bytes, within the tolerances of `vqa check`, statistically the same, or different: exit code 1. Nothing is
    restored from a cache but what a stage reads. The certificate is written to results/SCALE/certificate.md.
    """
    if sum((bool(stages), sample != 0, every)) > 1:
        raise InputError("STAGE, --sample and --all: one of them")
    if jobs < 0 or sample < 0 or not minutes > 0:
        raise InputError("--jobs, --sample and --minutes are not negative, and some minutes there must be")
    with entered(scale) as before:
        kept = None if keep is None else before / keep
        if kept is not None and kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
            raise InputError(f"--keep {keep}: not an empty folder")
        from vqa.bench.certify import Wish
        from vqa.bench.certify import certify as run_anew
        from vqa.bench.levels import DIFFERENT, LEVELS, worst
        from vqa.settings.params import load

        chosen = None if seed < 0 else seed
        judged, path = run_anew(load(), Wish(tuple(stages or ()), every, sample, minutes, chosen, jobs, kept))
        level = worst(judged)
        print(f"{LEVELS[level]}, all {len(judged)} stages together: {path}")
        return int(level == DIFFERENT)
