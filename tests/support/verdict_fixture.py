"""Filled tables, comparisons, landscapes and curves with planted truth, for the verdicts."""

import math
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from report_fixture import PAPER

from vqa.io import write_csv
from vqa.report.tables.cells import COLUMNS, PROTOCOLS, row_key
from vqa.report.verdicts.evidence import Evidence, Printed
from vqa.report.verdicts.judge import Court

CLAIMS = PAPER.parent / "claims.yaml"
LEVEL, MARGIN, RISE_AT = 0.05, 0.02, 0.2
OURS = ("SimpleVQA", "FAST-VQA", "SAMA")
REFERENCES = ("weight_decay=0.05", "augmentation=base", "gamma=0")
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
    printed: Printed, value: Value = as_printed, error: float = 0.001, names: Iterable[str] = ()
) -> dict[str, pd.DataFrame]:
    """All thirteen tables or some, each row filled by a run of its own; quoted rows as the paper prints them."""
    tables = {}
    for name in names or printed.frames:
        paper, rows = printed.frames[name], []
        for protocol in PROTOCOLS:
            for cell in paper.to_dict("records"):
                cell |= {"paper": float(cell["value"] or "nan"), "protocol": protocol, "table_name": name}
                row = {**dict.fromkeys(COLUMNS, ""), **cell, "source": "quoted", "value": cell["paper"]}
                row |= dict.fromkeys(("ci_low", "ci_high"), math.nan)
                if is_ours(cell["method"], cell["setting"]):
                    ours = value(cell)
                    row |= {"value": ours, "ci_low": ours - 1.96 * error, "ci_high": ours + 1.96 * error}
                    run = f"{name}-{row_key(cell['method'], cell['setting'])}"
                    row |= {"source": "trained", "items_digest": cell["dataset"] + cell["split"], "run": run}
                rows.append(row)
        tables[name] = pd.DataFrame(rows)[list(COLUMNS)]
    return tables


def compared(tables: dict[str, pd.DataFrame], error: float = 0.001) -> pd.DataFrame:
    """Every pair of rows of ours, with the interval and the p-values of a normal difference."""
    pairs = []
    for name, frame in tables.items():
        ours = frame[frame.source == "trained"]
        ours = ours.assign(row=[row_key(m, s) for m, s in zip(ours.method, ours.setting, strict=True)])
        places = ours.groupby(["protocol", "dataset", "split", "metric"], sort=False)
        for (protocol, dataset, split, metric), part in places:
            for a, b in combinations(part.to_dict("records"), 2):
                if a["row"] in REFERENCES or a["row"] + "+AWP" == b["row"]:
                    a, b = b, a
                reference = b["row"] in REFERENCES or b["row"] + "+AWP" == a["row"]
                difference = a["value"] - b["value"]
                p = math.erfc(abs(difference) / error / math.sqrt(2))
                pairs.append(
                    {
                        **{"table": name, "protocol": protocol, "dataset": dataset, "split": split, "metric": metric},
                        **{"a": a["row"], "b": b["row"], "reference": reference, "difference": difference},
                        **{"ci_low": difference - 1.96 * error, "ci_high": difference + 1.96 * error},
                        **{"p_bootstrap": p, "p_permutation": p if split == "test" else math.nan},
                        **{"p_holm": p if reference else math.nan, "detectable": 2.8 * error},
                    }
                )
    return pd.DataFrame(pairs)


def court(
    folder: Path,
    value: Value = as_printed,
    error: float = 0.001,
    correlations: pd.DataFrame | None = None,
    names: Iterable[str] = ("table05",),
) -> Court:
    """Evidence in memory on the named tables; landscapes and curves, if any, are read from ``folder``."""
    printed = paper()
    tables = filled(printed, value, error, names)
    places = (folder / "runs", folder / "landscapes")
    return Court(
        Evidence(tables, compared(tables, error), correlations, *places, "ema", RISE_AT), printed, LEVEL, MARGIN
    )


def nothing(folder: Path) -> Court:
    """No evidence at all."""
    places = (folder / "runs", folder / "landscapes")
    return Court(Evidence({}, pd.DataFrame(), None, *places, "ema", RISE_AT), paper(), LEVEL, MARGIN)


def write_landscape(folder: Path, run: str, rises: dict[int, list[float]], part: str = "konvid1k/train") -> None:
    """``sharpness.csv`` of a run: rises along every direction at one of two steps; the larger says the opposite."""
    columns = ["weights", "epoch", "part", "measure", "at", "direction", "value"]
    rows: list[tuple] = []
    for epoch, values in rises.items():
        weights = "last_ema" if epoch == max(rises) else f"epoch_{epoch}_ema"
        for k, value in enumerate(values):
            rows.append((weights, epoch, part, "mean_rise", 0.2, k, value))
            rows.append((weights, epoch, part, "mean_rise", 1.0, k, -value))
            rows.append((weights, epoch, part.replace("train", "test"), "mean_rise", 0.2, k, -value))
            rows.append((weights.replace("ema", "raw"), epoch, part, "mean_rise", 0.2, k, -value))
        rows.append((weights, epoch, part, "worst_rise", 0.01, "", -1.0))
    write_csv(folder / "landscapes" / run / "sharpness.csv", pd.DataFrame(rows, columns=columns))


def write_curve(folder: Path, run: str, gaps: list[float]) -> None:
    """``curve.csv`` of a run with the given gaps after every epoch, and another test set that has none."""
    rows = []
    for epoch, gap in enumerate(gaps, start=1):
        for dataset, test in (("konvid1k/test", 0.5), ("livevqc/test", 0.0)):
            scores = {"test_srcc_ema": test, "test_plcc_ema": test, "test_srcc_raw": 0.9, "test_plcc_raw": 0.9}
            scores |= {"train_srcc": 0.5 + gap, "train_plcc": 0.5 + gap}
            rows.append({"epoch": epoch, "dataset": dataset, **scores, "fold": 0})
    write_csv(folder / "runs" / run / "curve.csv", pd.DataFrame(rows))


def correlated(spearman: float, p: float, group: str = "all, within groups") -> pd.DataFrame:
    """``sharpness_gap.csv`` with one group: the step that counts is not the first row."""
    rows = []
    for measure, sign in (("curvature", -1), ("mean_rise_1.0", -1), ("mean_rise_0.2", 1)):
        for gap in ("srcc", "plcc"):
            for protocol in PROTOCOLS:
                values = {"spearman": sign * spearman, "ci_low": spearman - 0.1, "ci_high": spearman + 0.1}
                place = {"group": group, "measure": measure, "gap": gap, "protocol": protocol, "runs": 31}
                rows.append({**place, **values, "p_permutation": p, "pearson": np.nan})
    return pd.DataFrame(rows)


def write_reports(folder: Path, value: Value = as_printed, error: float = 0.001) -> None:
    """What the stage reads from ``reports/``, in a folder."""
    tables = filled(paper(), value, error)
    reports = folder / "reports"
    shutil.copytree(PAPER, reports / "paper", dirs_exist_ok=True)
    shutil.copy(CLAIMS, reports / "claims.yaml")
    for name, table in tables.items():
        write_csv(reports / "tables" / f"{name}.csv", table)
    write_csv(reports / "statistics" / "comparisons.csv", compared(tables, error))
