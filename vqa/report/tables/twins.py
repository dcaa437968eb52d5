"""What AWP changes for every system of a table of ours: differences of twins, tested as one family."""

from pathlib import Path

import pandas as pd

from vqa.report.tables.render import pipe_table
from vqa.stats.families import holm
from vqa.stats.trainings import FEWEST

SUFFIX = "+AWP"


def twin_lines(comparisons: Path, table: str, level: float) -> list[str]:
    """Markdown: of every system the change of its clean test SRCC by AWP, with interval and p-value after Holm.

    Args:
        comparisons: ``reports/statistics/comparisons.csv``.
        table: key in ``params.tables``; the family is all its twins on all their test sets.
        level: below which a change is counted as found.

    Returns:
        Nothing where the table has no twins.
    """
    every = pd.read_csv(comparisons, dtype={"a": str, "b": str}) if comparisons.is_file() else pd.DataFrame()
    if every.empty:
        return []
    here = (every.table == table) & (every.other == table) & (every.protocol == "clean") & (every.split == "test")
    pairs = every[here & (every.metric == "SRCC") & (every.a == every.b + SUFFIX)]
    if pairs.empty:
        return []
    pairs = pairs.assign(adjusted=holm(pairs.p.where(pairs.trainings >= FEWEST).to_numpy()))
    rows = []
    for system, part in pairs.groupby("b", sort=False):
        cells = {row["dataset"]: _change(row) for row in part.to_dict("records")}
        rows.append([str(system), f"{part.trainings.iloc[0]:.0f}", *(cells.get(d, "") for d in pairs.dataset.unique())])
    header = ["System", "Trainings", *(f"{dataset}: change by AWP" for dataset in pairs.dataset.unique())]
    asked, found = int(pairs.adjusted.notna().sum()), int((pairs.adjusted < level).sum())
    return [
        "Clean test SRCC with AWP minus without [95 % interval]. p is that of the mixed test after Holm over the "
        f"{asked} pairs of {FEWEST} trainings and more; below {level:g}: {found}. Of fewer trainings it is "
        "a difference of trainings.",
        "",
        *pipe_table(header, [False, True] + [False] * (len(header) - 2), rows),
    ]


def _change(row: dict) -> str:
    text = f"{row['difference']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
    return text if pd.isna(row["adjusted"]) else f"{text}, p {row['adjusted']:.3f}"
