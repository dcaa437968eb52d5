"""What the rules of fusing two branches are worth to predictions that others published."""

from pathlib import Path
from typing import Any

import pandas as pd

from vqa.data.published.entries import ROOT
from vqa.data.published.tables import read_published
from vqa.regression.outside import Outside
from vqa.stats.fusion import RELEASED_WEIGHT, single, weighted
from vqa.stats.fusion_gains import GAINS, ONE_WEIGHT, gains, rules


def published_fusion(row: Outside, draw: tuple[int, int], root: Path = ROOT) -> pd.DataFrame:
    """What every rule of fusing its branches is worth to a row of kind ``dover``, and no rows of another kind.

    Besides the rules of :func:`vqa.stats.fusion_gains.rules` there are the weights that were published for each data
    set, and the formula of single videos with its constants as released and exchanged.

    Args:
        row: its block of params.
        draw: resamples of the intervals, and the seed of their streams.
        root: folder of the published entries.

    Returns:
        A frame with :data:`vqa.stats.fusion_gains.GAINS`.
    """
    rows: list[dict[str, Any]] = []
    content = read_published(row.entry, root / row.entry) if row.kind == "dover" else {}
    for name, weight in (row.weights or {}).items():
        mos, aesthetic, technical = (content[name][column].to_numpy() for column in ("mos", "aesthetic", "technical"))
        fused = rules(aesthetic, technical, mos, row.fixed_weight)
        fused["published for the set"] = weight, weighted(aesthetic, technical, weight)
        fused["single videos, as released"] = RELEASED_WEIGHT, single(aesthetic, technical)
        fused["single videos, exchanged"] = RELEASED_WEIGHT, single(aesthetic, technical, exchanged=True)
        rows += gains(fused, ONE_WEIGHT, mos, row.datasets[name], draw)
    return pd.DataFrame(rows, columns=GAINS)
