"""``vqa features``: what a hand-crafted system sees of a video, number by number."""

import csv
import math
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from vqa.io import InputError

EXAMPLE = "Example: `vqa features videval clip.mp4 --out features.csv`"


def features(
    system: Annotated[str, typer.Argument(help="tlvqm (75 numbers) or videval (60)")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="a video")],
    out: Annotated[Path | None, typer.Option(help="write a row per video, to FILE.part until it is complete")] = None,
) -> int:
    """Features of TLVQM or VIDEVAL, as their public code gives them, with their names.

    They are made of the stored planes of brightness and colours, at full size. Eight seconds of 540 rows take TLVQM ten
    to twenty seconds and VIDEVAL a minute.

    Exit code 0 if every video has its features, 1 if some have not (they are named), 2 for wrong use.
    """
    from vqa.data.paths import printable
    from vqa.handcrafted import SYSTEMS, load_system
    from vqa.handcrafted.planes import read_planes
    from vqa.score.files import written_to

    if system not in SYSTEMS:
        raise InputError(f"{system!r} is none of {', '.join(SYSTEMS)}")
    module = load_system(system)
    measure, rows, failed = getattr(module, system), {}, 0
    with written_to(out) as stream:
        table = csv.writer(stream, lineterminator="\n")
        if out is not None:
            table.writerow(["file", *module.FEATURES])
        for path in tqdm(files, desc=system, unit="video", disable=None):
            try:
                numbers = measure(*read_planes(path)).tolist()
            except (InputError, ValueError) as error:  # the former names the file
                named = str(error) if isinstance(error, InputError) else f"{path}: {error}"
                tqdm.write(f"error: {printable(named)}", file=sys.stderr)
                failed += 1
                continue
            rows[printable(str(path))] = numbers
            if out is not None:
                table.writerow([printable(str(path)), *("" if math.isnan(n) else n for n in numbers)])
                stream.flush()
    if rows and out is None:
        import pandas as pd

        print(pd.DataFrame(rows, index=list(module.FEATURES)).rename_axis("feature").to_markdown(floatfmt=".6g"))
    return 1 if failed else 0
