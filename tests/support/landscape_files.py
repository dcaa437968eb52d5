"""Fabricated files of the landscape stage: parabolas whose width and floor are known."""

from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import write_csv, write_json
from vqa.landscape.measure import CURVE, SHARPNESS, SURFACE

ALPHAS = np.linspace(-1, 1, 5)
DIRECTIONS = 2
FOLD = 0  # a run of one training


def write_landscape(
    folder: Path, run: str, sharpness: float = 1.0, train: str = "konvid1k", weights: tuple[str, ...] = ("last_ema",)
) -> None:
    """Files of one run: loss ``floor + s alpha^2``, s = ``sharpness`` times 1 and 1.2 along the two directions.

    The floor is 0.1 for training data and 0.2 for test data; every further file of weights is half as sharp as the one
    before it.
    """
    curves, numbers = [], []
    for position, name in enumerate(weights):
        epoch = 4 if name.startswith("last") else int(name.split("_")[1])
        for split, floor in (("train", 0.1), ("test", 0.2)):
            part, where = f"{train}/{split}", (name, epoch, f"{train}/{split}")
            for k in range(DIRECTIONS):
                s = sharpness * (1 + 0.2 * k) / 2**position
                curves += [(*where, k, a, floor + s * a**2) for a in ALPHAS]
                numbers += [(FOLD, *where, "mean_rise", a, k, s * a**2) for a in (0.5, 1.0)]
                numbers.append((FOLD, *where, "curvature", 0.05, k, 2 * s))
            numbers.append((FOLD, *where, "base_loss", "", "", floor))
            numbers.append((FOLD, *where, "worst_rise", 0.01, "", sharpness / 2**position / 10))
            if position == 0 and split == "train":
                numbers.append((FOLD, name, epoch, part, "top_eigenvalue", "", "", 20 * sharpness))
    plane = [(f"{train}/train", a, b, 0.1 + sharpness * (a**2 + b**2)) for a in ALPHAS[::2] for b in ALPHAS[::2]]
    out = folder / "landscapes" / run
    write_csv(out / "curve.csv", pd.DataFrame(curves, columns=CURVE))
    write_csv(out / "sharpness.csv", pd.DataFrame(numbers, columns=SHARPNESS))
    write_csv(out / "surface.csv", pd.DataFrame(plane, columns=SURFACE))
    write_json(out / "landscape.json", {"run": run, "seed": 42, "trainings": [FOLD], "batch_size": 4, "parts": {}})
