"""``vqa features``: what a hand-crafted system sees of a video, number by number."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from vqa.io import InputError

EXAMPLE = "Example: `vqa features videval clip.mp4 --out features.csv`"


def features(
    system: Annotated[str, typer.Argument(help="tlvqm (75 numbers) or videval (60)")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="a video")],
    out: Annotated[Path | None, typer.Option(help="write a table with every digit, a row per video")] = None,
) -> int:
    """Features of TLVQM or VIDEVAL, as their public code gives them, with their names.

    They are made of the stored planes of brightness and colours, at full size and frame by frame: about half a second
    for a frame of 540 rows.

    Exit code 0 if every video has its features, 1 if some have not (they are named), 2 for wrong use.
    """
    from vqa.handcrafted import SYSTEMS, load_system
    from vqa.handcrafted.planes import read_planes

    if system not in SYSTEMS:
        raise InputError(f"{system!r} is none of {', '.join(SYSTEMS)}")
    module = load_system(system)
    measure = getattr(module, system)
    rows, failed = {}, []
    for path in tqdm(files, desc=system, unit="video", disable=None):
        try:
            rows[str(path)] = measure(*read_planes(path))
        except (InputError, ValueError) as error:
            failed.append(str(error) if isinstance(error, InputError) else f"{path}: {error}")
    if rows:
        _report(rows, module.FEATURES, out)
    for line in failed:
        typer.echo(f"error: {line}", err=True)
    return 1 if failed else 0


def _report(rows: dict, names: tuple[str, ...], out: Path | None) -> None:
    """Print a column per video, or write a row per video."""
    import pandas as pd

    from vqa.io import write_csv

    table = pd.DataFrame(rows, index=list(names)).T.rename_axis("file")
    if out is not None:
        write_csv(out, table.reset_index())
    else:
        print(table.T.rename_axis("feature").to_markdown(floatfmt=".6g"))
