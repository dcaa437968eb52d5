"""Fabricated statistics, verdicts, landscapes and figures in the real file formats, for a project that has tables.

The numbers follow from the tables where they can, so that the pages look as they will; the rest is drawn.
"""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from report_fixture import PARAMS, call, write_run, write_surroundings

from stages import tables
from vqa.io import write_csv, write_json
from vqa.report.tables.branches import FUSION
from vqa.report.tables.cells import PROTOCOLS, read_table, row_key
from vqa.report.tables.compare import COLUMNS
from vqa.report.tables.sharpness_gap import GAP, POINTS
from vqa.report.verdicts.rules import CELL_VERDICTS, NOT_RUN, VERDICTS
from vqa.rng import numpy_generator
from vqa.settings.params import Params, load

REFERENCES = ("weight_decay=0.05", "augmentation=base", "gamma=0")
ALPHAS = np.linspace(-1, 1, 21).round(6)
SURFACE_ALPHAS = np.linspace(-1, 1, 5).round(6)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="252" height="184">'
    '<rect width="252" height="184" fill="#eee"/></svg>\n'
)
NASTY = '<img src=x onerror="document.documentElement.dataset.error=1">'
# What the small project of the report has beside its tables: landscapes of two runs, one of them at two epochs.
BLOCKS = {
    "landscape": {},
    "landscapes": {
        "A01": {"weights": ["last_ema", "epoch_1_ema"], "surface": True},
        "A15": {"weights": ["last_ema"]},
    },
    "figures": {
        "fig1a": {"kind": "curves", "run": "A01", "metric": "srcc", "title": "Baseline"},
        "fig1c": {
            **{"kind": "landscape", "title": "Epochs", "hue": "epoch", "base": "epoch 4"},
            "curves": {"epoch 1": "A01/epoch_1_ema", "epoch 4": "A01"},
        },
        "fig4": {
            "title": "Regularizers",
            "panels": [
                {
                    **{"kind": "landscape", "title": "AWP", "hue": "AWP", "base": "gamma=0"},
                    "curves": {"gamma=0": "A01", "gamma=0.0001": "A15", "gamma=0.01": "A01/epoch_9_ema"},
                },
                {"kind": "surface", "title": "Surfaces", "runs": {"base": "A01"}},
            ],
        },
    },
}


def build_site_project(folder: Path) -> Params:
    """Write a small finished project with everything that the site reads into ``folder``; returns its params."""
    content = yaml.safe_load(PARAMS)
    content |= BLOCKS
    content["datasets"]["livevqc"]["title"] = "LIVE-VQC"
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    params = load(folder / "params.yaml")
    for name in params.runs:
        write_run(folder / "runs" / name, params, name)
    write_surroundings(folder, params)
    assert call(tables.main, folder) == 0
    write_later_stages(folder, params)
    return params


def write_later_stages(folder: Path, params: Params) -> None:
    """What the stages between the tables and the site write."""
    for name in params.landscapes:
        write_landscape(folder / "landscapes" / name, name, params)
    frames = {name: read_table(folder / "reports" / "tables" / f"{name}.csv") for name in params.tables}
    write_statistics(folder / "reports" / "statistics", frames, params)
    write_verdicts(folder / "reports", frames)
    (folder / "reports" / "figures").mkdir(exist_ok=True)
    for name in params.figures:
        path = folder / "reports" / "figures" / f"{name}.svg"
        if not path.exists():
            path.write_text(SVG)


def write_landscape(folder: Path, name: str, params: Params) -> None:
    """Parabolas whose width depends on the run, one per direction."""
    block, train = params.landscapes[name], params.runs[name].train
    curve, sharpness = [], []
    for weights in block["weights"]:
        for part, direction in itertools.product(("train", "test"), range(3)):
            draw = numpy_generator("landscape", 0, name, weights, part, direction)
            base, bend = (0.25 if part == "train" else 0.4), draw.uniform(0.3, 0.8)
            key = (weights, "" if weights != "last_ema" else 12, f"{train}/{part}")
            curve += [(*key, direction, alpha, base + bend * alpha**2 * (1 + 0.1 * alpha)) for alpha in ALPHAS]
            sharpness += [(*key, "mean_rise", at, direction, bend * at**2) for at in (0.2, 0.6, 1.0)]
            sharpness.append((*key, "curvature", 0.05, direction, 2 * bend))
        sharpness.append((weights, 12, f"{train}/train", "worst_rise", 0.01, "", 0.01))
    sharpness.append(("last_ema", 12, f"{train}/train", "top_eigenvalue", "", "", 8.5))
    columns = ["weights", "epoch", "part"]
    write_csv(folder / "curve.csv", pd.DataFrame(curve, columns=[*columns, "direction", "alpha", "loss"]))
    names = [*columns, "measure", "at", "direction", "value"]
    write_csv(folder / "sharpness.csv", pd.DataFrame(sharpness, columns=names).assign(fold=0)[["fold", *names]])
    write_json(folder / "landscape.json", {"directions": 3})
    if block.get("surface"):
        grid = itertools.product(("train", "test"), SURFACE_ALPHAS, SURFACE_ALPHAS)
        rows = [(f"{train}/{p}", a, b, 0.3 + a**2 + 0.5 * b**2) for p, a, b in grid]
        write_csv(folder / "surface.csv", pd.DataFrame(rows, columns=["part", "alpha", "beta", "loss"]))


def write_statistics(folder: Path, frames: dict[str, pd.DataFrame], params: Params) -> None:
    """All files of the statistics."""
    rows = [row for name, frame in frames.items() for row in _comparisons(name, frame)]
    write_csv(folder / "comparisons.csv", pd.DataFrame(rows, columns=list(COLUMNS)))
    bonus = []
    for name, run in params.runs.items():
        for key, metric in itertools.product(run.test, ("SRCC", "PLCC")):
            value = numpy_generator("bonus", 0, name, key, metric).normal(0.03, 0.02)
            bonus.append(("run", name, run.method, key, metric, value, value - 0.04, value + 0.05, value / 2, "", 60))
    for method, metric in itertools.product(params.methods, ("SRCC", "PLCC")):
        bonus.append(("method", method, method, "all", metric, 0.031, 0.011, 0.05, 0.012, 20, ""))
    for metric in ("SRCC", "PLCC"):  # of a published log, which has no page and no interval
        log = ("Log", metric, 0.02, "", "", 0.02, 1)
        bonus.append(("run", "H08", *log[:1], "konvid1k/test", *log[1:], 240))
        bonus.append(("method", "Log", *log[:1], "all", *log[1:], ""))
    names = ["level", "name", "method", "dataset", "metric", "bonus", "ci_low", "ci_high", "selection", "runs", "n"]
    write_csv(folder / "selection_bonus.csv", pd.DataFrame(bonus, columns=names))
    points = []
    for name in params.landscapes:
        run, draw = params.runs[name], numpy_generator("points", 0, name)
        numbers = draw.uniform(0.05, 0.2, 5).tolist() + draw.uniform(0.1, 2, 6).tolist()
        points.append((name, 42, 0, run.method, run.train, run.perturbation.upper(), run.gamma, *numbers))
    names = [*POINTS, "mean_rise_0.2", "mean_rise_1.0", "curvature", "worst_rise", "top_eigenvalue", "base_loss"]
    write_csv(folder / "sharpness_points.csv", pd.DataFrame(points, columns=names))
    groups = ("FAST-VQA on KoNViD-1k", "all, within groups")
    measures = names[len(POINTS) :]
    keys = itertools.product(groups, measures, ("srcc",), PROTOCOLS)
    gaps = [(*key, 16, 5, 0.4, -0.1, 0.75, 0.12, 0.2, 4.0) for key in keys]
    write_csv(folder / "sharpness_gap.csv", pd.DataFrame(gaps, columns=list(GAP)))
    spread = [(name, "konvid1k/test", "SRCC", "clean", 1, 3, "", 0.021) for name in list(params.runs)[-1:]]
    names = ["run", "dataset", "metric", "protocol", "seeds", "splits", "std_over_seeds", "std_over_splits"]
    write_csv(folder / "spread.csv", pd.DataFrame(spread, columns=names))
    fusion = [("A15", "konvid1k/test", "one weight", 0.61, 0.8, 0.79, 0.0, 0.0, 0.0, 24, 1)]
    fusion += [("A15", "konvid1k/test", "sum of both", "", 0.78, 0.77, -0.02, -0.05, 0.01, 24, 1)]
    write_csv(folder / "fusion.csv", pd.DataFrame(fusion, columns=list(FUSION)))


def _comparisons(name: str, frame: pd.DataFrame) -> list[dict]:
    """Every row of ours against the reference row, cell by cell."""
    frame = frame[frame.run != ""]
    frame = frame.assign(key=[row_key(*row) for row in zip(frame.method, frame.setting, strict=True)])
    found = []
    for place, cells in frame.groupby(["protocol", "dataset", "split", "metric"], sort=False):
        by_key = {cell["key"]: cell for cell in cells.to_dict("records")}
        for key, cell in by_key.items():
            other = (
                key.removesuffix("+AWP") if key.endswith("+AWP") else next((r for r in REFERENCES if r in by_key), "")
            )
            if other in by_key and other != key:
                found.append(_comparison(name, place, cell, by_key[other], key, other))
    return found


def _comparison(name: str, place: tuple, cell: dict, base: dict, key: str, other: str) -> dict:
    difference = cell["value"] - base["value"]
    p = float(numpy_generator("p", 0, name, key, *place).uniform(0, 0.5)) ** 2
    return {
        **dict(zip(("table", "other", "protocol", "dataset", "split", "metric"), (name, name, *place), strict=True)),
        **{"a": key, "b": other, "reference": True, "run_a": cell["run"], "run_b": base["run"]},
        **{"value_a": cell["value"], "value_b": base["value"], "difference": difference},
        **{"ci_low": difference - 0.06, "ci_high": difference + 0.05, "p": p, "n": cell["n"], "trainings": 5},
        **{"standard_error": 0.03, "freedom": 4.0, "detectable": 0.084},
        **{"paper_difference": cell["paper"] - base["paper"], "power": 0.2},
        **{"common": 0.0, "interplay": 0.0004, "seeds": 0.0002, "items": cell["n"]},
    }


def write_verdicts(reports: Path, frames: dict[str, pd.DataFrame]) -> None:
    """A verdict for every cell, and three claims."""
    names = [
        "table",
        "method",
        "setting",
        "dataset",
        "metric",
        "split",
        "protocol",
        "paper",
        "value",
        "ci_low",
        "ci_high",
    ]
    cells = pd.concat([frame[[*names, "source"]] for frame in frames.values()], ignore_index=True)
    judged = [verdict for verdict in CELL_VERDICTS if verdict != NOT_RUN]
    drawn = np.where(cells.source == "trained", [judged[i % 4] for i in range(len(cells))], NOT_RUN)
    cells = cells.assign(verdict=drawn, reason="the paper's number is outside of our interval").drop(columns="source")
    write_csv(reports / "verdicts.csv", cells)
    claims = []
    texts = (
        (
            "T5-best",
            "Table 5",
            "A small γ of AWP is best",
            "The smallest is.",
            "test SRCC of gamma=0.0001 exceeds that of gamma=0",
        ),
        (
            "F2d-flat",
            "Figure 2(d)",
            "AWP flattens the landscape",
            "Curves are wider.",
            "the mean rise at 1.0 falls with gamma",
        ),
        (
            "text-gap",
            "text",
            f"Gaps are large {NASTY}",
            f"Far better on training {NASTY}.",
            "every gap is above 0.1, " * 9,
        ),
    )
    for i, text in enumerate(texts):
        for j, protocol in enumerate(PROTOCOLS):
            verdict = VERDICTS[(i + 2 * j) % len(VERDICTS)]
            test = "difference −0.012 [−0.071, 0.043], 5 trainings, p = 0.61, could have seen 0.081"
            claims.append(
                (*text, "See P3.", protocol, ("yes", "no", "in part: 2 of 3")[i], verdict, test, 1, 0, 0, i, j)
            )
    names = ["id", "source", "title", "says", "statement", "note", "protocol", "paper_holds", "verdict", "test"]
    names += [f"n_{verdict.replace(' ', '_')}" for verdict in VERDICTS]
    write_csv(reports / "claims.csv", pd.DataFrame(claims, columns=names))


def edit_csv(path: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change a CSV file in place."""
    write_csv(path, edit(pd.read_csv(path)))
