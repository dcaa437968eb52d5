"""Filled tables, comparisons, means over parts, landscapes and curves with planted truth, for the verdicts."""

import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

import pandas as pd
from report_fixture import PAPER

from vqa.io import write_csv
from vqa.landscape.measure import SHARPNESS
from vqa.report.tables.cells import COLUMNS, PROTOCOLS, row_key
from vqa.report.tables.compare import BASELINES
from vqa.report.tables.compare import COLUMNS as PAIRS
from vqa.report.tables.sharpness_gap import GAP
from vqa.report.verdicts.average import COLUMNS as AVERAGES
from vqa.report.verdicts.evidence import Evidence, Printed
from vqa.report.verdicts.judge import Court
from vqa.stats.config import Statistics
from vqa.stats.trainings import Estimate

CLAIMS = PAPER.parent / "claims.yaml"
SETTINGS = Statistics(level=0.05, power=0.8, margin=0.005, agreement=0.02, sharpness_margin=0.05, rise_at=0.2)
OURS = ("SimpleVQA", "FAST-VQA", "SAMA")
TRAININGS, FREEDOM, ITEMS = 5, 200.0, 240
Cell = dict
Value = Callable[[Cell], float]


@cache
def paper() -> Printed:
    """The paper's numbers, read once."""
    return Printed(PAPER)


def as_printed(cell: Cell) -> float:
    """Our value is the paper's."""
    return cell["paper"]


def is_ours(method: str, setting: str) -> bool:
    """Whether a row of the paper is one of its own trainings."""
    return "=" in setting or method.removesuffix("+AWP") in OURS


def filled(
    printed: Printed, value: Value = as_printed, error: float = 0.001, names: Iterable[str] = (), trainings: int = 5
) -> dict[str, pd.DataFrame]:
    """All thirteen tables or some, each row filled by a run of its own; quoted rows as the paper prints them."""
    tables = {}
    for name in names or printed.frames:
        rows = []
        for protocol in PROTOCOLS:
            for cell in printed.frames[name].to_dict("records"):
                cell |= {"paper": float(cell["value"] or "nan"), "protocol": protocol, "table_name": name}
                row = {**dict.fromkeys(COLUMNS, ""), **cell, "source": "quoted", "value": cell["paper"]}
                row |= dict.fromkeys(("ci_low", "ci_high", "error", "error_of_one", "freedom"), math.nan)
                if is_ours(cell["method"], cell["setting"]):
                    found = Estimate(value(cell), error, FREEDOM, trainings)
                    low, high = found.interval(SETTINGS.level)
                    row |= {"value": found.value, "ci_low": low, "ci_high": high, "freedom": FREEDOM}
                    row |= {"error": error, "error_of_one": error}
                    row |= {"covers": "trainings and items", "n": ITEMS, "folds": trainings, "source": "trained"}
                    row |= {"run": f"{name}-{row_key(cell['method'], cell['setting'])}"}
                rows.append(row)
        tables[name] = pd.DataFrame(rows)[list(COLUMNS)]
    return tables


def compared(tables: dict[str, pd.DataFrame], error: float = 0.001, trainings: int = TRAININGS) -> pd.DataFrame:
    """Every pair of rows of ours, of one table or of the same name in two, with the test of the difference."""
    ours = []
    for name, frame in tables.items():
        cells = frame[frame.source == "trained"]
        keys = [row_key(m, s) for m, s in zip(cells.method, cells.setting, strict=True)]
        ours.append(cells.assign(row=keys, table=name))
    pairs = []
    for place, part in pd.concat(ours).groupby(["protocol", "dataset", "split", "metric"], sort=False):
        for a, b in combinations(part.to_dict("records"), 2):
            if (a["table"] == b["table"]) == (a["row"] == b["row"]):
                continue
            if a["row"] in BASELINES or a["row"] + "+AWP" == b["row"]:
                a, b = b, a
            found = Estimate(a["value"] - b["value"], error, FREEDOM, trainings)
            low, high = found.interval(SETTINGS.level)
            pair = {
                **dict(zip(("protocol", "dataset", "split", "metric"), place, strict=True)),
                **{"table": a["table"], "other": b["table"], "a": a["row"], "b": b["row"], "difference": found.value},
                "reference": a["table"] == b["table"] and (b["row"] in BASELINES or b["row"] + "+AWP" == a["row"]),
                **{"ci_low": low, "ci_high": high, "p": found.two_sided(), "n": ITEMS, "trainings": trainings},
                **{"standard_error": error, "freedom": FREEDOM},
                "detectable": found.detectable(SETTINGS.level, SETTINGS.power),
            }
            pairs.append(pair)
    return pd.DataFrame(pairs, columns=PAIRS)


def averaged(
    claim: str, value: float, claimed: float = 0.01, error: float = 0.001, trainings: int = TRAININGS
) -> pd.DataFrame:
    """``averages.csv``: the mean over eight parts of one claim, in both protocols."""
    row = {"claim": claim, "parts": 8, "value": value, "claimed": claimed, "standard_error": error}
    row |= {"freedom": FREEDOM, "trainings": trainings, "n": ITEMS}
    return pd.DataFrame([{**row, "protocol": protocol} for protocol in PROTOCOLS], columns=AVERAGES)


def court(
    folder: Path,
    value: Value = as_printed,
    error: float = 0.001,
    correlations: pd.DataFrame | None = None,
    names: Iterable[str] = ("table05",),
    trainings: int = TRAININGS,
    averages: pd.DataFrame | None = None,
) -> Court:
    """Evidence in memory on the named tables; landscapes and curves, if any, are read from ``folder``."""
    tables = filled(paper(), value, error, names, trainings)
    means = pd.DataFrame(columns=AVERAGES) if averages is None else averages
    places = (folder / "runs", folder / "landscapes", "ema")
    ours = Evidence(tables, compared(tables, error, trainings), means, correlations, *places, SETTINGS)
    return Court(ours, paper(), SETTINGS)


def nothing(folder: Path) -> Court:
    """No evidence at all."""
    empty = (pd.DataFrame(columns=PAIRS), pd.DataFrame(columns=AVERAGES), None)
    return Court(Evidence({}, *empty, folder / "runs", folder / "landscapes", "ema", SETTINGS), paper(), SETTINGS)


def write_landscape(
    folder: Path,
    run: str,
    rises: dict[int, Sequence[Sequence[float]]],
    measure: str = "mean_rise",
    folds: Sequence[str] = (),
) -> None:
    """``sharpness.csv`` of a run: by epoch a row per training of the rises along its directions.

    All else in the file says the opposite: another step, measure, part of the data and kind of weights.
    """
    rows: list[tuple] = []
    for epoch, trainings in rises.items():
        weights = "last_ema" if epoch == max(rises) else f"epoch_{epoch}_ema"
        for fold, values in zip(folds or [f"{42 + i}-0" for i in range(len(trainings))], trainings, strict=True):
            where, other = (fold, weights, epoch), {"mean_rise": "linearity_rise"}.get(measure, "mean_rise")
            for k, value in enumerate(values):
                rows.append((*where, "konvid1k/train", measure, SETTINGS.rise_at, k, value))
                rows.append((*where, "konvid1k/train", measure, 1.0, k, -value))
                rows.append((*where, "konvid1k/train", other, SETTINGS.rise_at, k, -value))
                rows.append((*where, "konvid1k/test", measure, SETTINGS.rise_at, k, -value))
                rows.append((fold, weights.replace("ema", "raw"), epoch, "konvid1k/train", measure, 0.2, k, -value))
            rows.append((*where, "konvid1k/train", "base_loss", "", "", -1.0))
    write_csv(folder / "landscapes" / run / "sharpness.csv", pd.DataFrame(rows, columns=SHARPNESS))


def write_curve(folder: Path, run: str, gaps: Sequence[Sequence[float]], folds: Sequence[str] = ()) -> None:
    """``curve.csv`` of a run: for every training its gaps after each epoch, and another test set that has none."""
    rows = []
    for fold, values in zip(folds or [f"{42 + i}-0" for i in range(len(gaps))], gaps, strict=True):
        for epoch, gap in enumerate(values, start=1):
            for dataset, test in (("konvid1k/test", 0.5), ("livevqc/test", 0.0)):
                scores = {"test_srcc_ema": test, "test_plcc_ema": test, "test_srcc_raw": 0.9, "test_plcc_raw": 0.9}
                scores |= {"train_srcc": 0.5 + gap, "train_plcc": 0.5 + gap}
                rows.append({"epoch": epoch, "dataset": dataset, **scores, "fold": fold})
    write_csv(folder / "runs" / run / "curve.csv", pd.DataFrame(rows))


def correlated(
    spearman: float, error: float, group: str = "all, within groups", trainings: int = TRAININGS
) -> pd.DataFrame:
    """``sharpness_gap.csv`` with one group: the step that counts is not the first row."""
    rows = []
    for measure, sign in (("curvature", -1), ("mean_rise_1", -1), ("mean_rise_0.2", 1)):
        for gap in ("srcc", "plcc"):
            for protocol in PROTOCOLS:
                place = {"group": group, "measure": measure, "gap": gap, "protocol": protocol, "runs": 31}
                found = {"spearman": sign * spearman, "standard_error": error, "freedom": FREEDOM}
                rows.append({**place, **found, "trainings": trainings})
    return pd.DataFrame(rows, columns=GAP)


def write_reports(folder: Path, value: Value = as_printed, error: float = 0.001) -> None:
    """What the stage reads from ``reports/``, in a folder."""
    tables = filled(paper(), value, error)
    reports = folder / "reports"
    shutil.copytree(PAPER, reports / "paper", dirs_exist_ok=True)
    for name in ("claims.yaml", "court.csv"):
        shutil.copy(PAPER.parent / name, reports)
    for name, table in tables.items():
        write_csv(reports / "tables" / f"{name}.csv", table)
    write_csv(reports / "statistics" / "comparisons.csv", compared(tables, error))
    write_csv(reports / "statistics" / "averages.csv", pd.DataFrame(columns=AVERAGES))
