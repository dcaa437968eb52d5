"""What came of a dress rehearsal: every training in one row, and what is wrong."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.bench.hours import steps_of_epoch
from vqa.data.items import Part, open_datasets
from vqa.graph.runner import TIMINGS
from vqa.io import file_digest
from vqa.methods import load_method
from vqa.settings.params import Params

ROWS = ["run", "seconds", "tested in", "steps", "final loss", "finite"]


def ended(params: Params) -> pd.DataFrame:
    """Rows ``run``, seconds of its training and of its evaluation, optimizer steps, mean loss of the last epoch.

    ``finite`` says whether the losses of all epochs are; a run that failed has no number.
    """
    timings = pd.read_csv(TIMINGS, index_col="stage").seconds if TIMINGS.is_file() else pd.Series(dtype=float)
    rows = []
    for name, run in params.runs.items():
        curve = Path("runs") / name / "curve.csv"
        if not curve.is_file():
            rows.append((name, *(math.nan,) * 4, False))
            continue
        losses = pd.read_csv(curve).loss.to_numpy(dtype=float)
        method = load_method(run.method, params.methods[run.method], run)
        items = Part(open_datasets([run.train])[run.train], "train").items
        steps = method.epochs * steps_of_epoch(method, len(items))
        took = (timings.get(f"{kind}@{name}", math.nan) for kind in ("train", "evaluate"))
        rows.append((name, *took, steps, losses[-1], bool(np.isfinite(losses).all())))
    return pd.DataFrame(rows, columns=ROWS)


def wrong(table: pd.DataFrame, twins: tuple[str, str], around: str) -> list[str]:
    """What is wrong, line by line; nothing if all is well.

    Args:
        table: of :func:`ended`.
        twins: two runs of the same settings, which must have the same bytes of weights.
        around: the run that has a landscape.
    """
    found = [f"{row.run}: not trained" if math.isnan(row.steps) else f"{row.run}: a loss is not finite"
             for row in table[~table.finite].itertuples()]  # fmt: skip
    one, other = (weights(name) for name in twins)
    if not one or one != other:
        found.append(f"{' and '.join(twins)}: not the same bytes, which is what the same settings must give")
    curve = Path("landscapes") / around / "curve.csv"
    if not curve.is_file() or not np.isfinite(pd.read_csv(curve).loss).all():
        found.append(f"{around}: its landscape was not measured, or a loss of it is not finite")
    return found


def weights(name: str) -> dict[str, str]:
    """SHA-256 of the weights of a run, by file; none if it was not trained."""
    folder = Path("runs") / name / "weights"
    return {path.name: file_digest(path) for path in sorted(folder.glob("*.safetensors"))}
