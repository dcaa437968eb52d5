"""A claim that something gains everywhere, put to the test as a whole: the mean over all of its parts.

If every part gained as much as the paper prints, so would their mean, which is known better than any of them. So the
mean can refute a claim about every part where no part alone could; it cannot bear it out.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from vqa.report.tables.cells import PROTOCOLS, row_key
from vqa.report.tables.compare import paired_sample
from vqa.report.tables.results import TrainedRun
from vqa.report.verdicts.claims import Across, Best, Claim, Compared
from vqa.report.verdicts.evidence import Printed
from vqa.report.verdicts.judge import is_universal, questions
from vqa.settings.params import Dataset
from vqa.stats.config import Statistics
from vqa.stats.design import Design
from vqa.stats.trainings import Sample

COLUMNS = (
    *("claim", "protocol", "parts", "value", "claimed", "standard_error", "freedom", "trainings", "n"),
    *("common", "interplay", "seeds", "items"),
)


def averages(
    claims: dict[str, Claim],
    printed: Printed,
    frames: dict[str, pd.DataFrame],
    runs: dict[str, TrainedRun],
    datasets: dict[str, Dataset],
    settings: Statistics,
) -> pd.DataFrame:
    """Mean gain over the parts of every claim that something gains, or shrinks, in every part.

    Args:
        claims: by id.
        printed: the paper's numbers.
        frames: filled tables by name.
        runs: results of their runs.
        datasets: give the paper's names of the test sets.
        settings: gives the smallest gain that matters.

    Returns:
        A frame with :data:`COLUMNS`: ``parts`` that were run with the most trainings, the mean of what was found and of
        what is claimed (the printed gain, or the margin where the paper prints none or a loss), both in the direction
        of the claim, and the items of all parts together.
    """
    rows, filled = [], _filled(frames)
    for name, claim in claims.items():
        statement = claim.statement
        if not isinstance(statement, Best | Across | Compared) or not is_universal(statement):
            continue
        if statement.kind in ("same", "not_above"):
            continue
        sign = -1 if statement.kind == "smaller" else 1
        for protocol in PROTOCOLS:
            samples, claimed = [], []
            for a, b, place in questions(statement, printed):
                one, two = (filled.get((*side, *place, protocol), "") for side in (a, b))
                dataset, metric, split = place
                where = (protocol, dataset, split, metric)
                found = paired_sample(where, one, two, runs, datasets) if one and two else None
                if found is not None and not np.isnan(found[1].values).any():
                    gain = sign * (printed.values[*a, *place] - printed.values[*b, *place])
                    samples.append(found[1] * sign)
                    claimed.append(gain if gain > 0 else settings.margin)
            rows += _row(name, protocol, samples, claimed)
    return pd.DataFrame(rows, columns=COLUMNS)


def _filled(frames: dict[str, pd.DataFrame]) -> dict[tuple[str, ...], str]:
    """Run of ours by table, row, data set, metric, split and protocol."""
    return {
        (name, row_key(c["method"], c["setting"]), c["dataset"], c["metric"], c["split"], c["protocol"]): c["run"]
        for name, frame in frames.items()
        for c in frame.to_dict("records")
        if c["run"]
    }


def _row(name: str, protocol: str, samples: list[Sample], claimed: Iterable[float]) -> list[tuple]:
    if len(samples) < 2:
        return []
    most = max(len(sample.values) for sample in samples)
    chosen = [(sample, gain) for sample, gain in zip(samples, claimed, strict=True) if len(sample.values) == most]
    mean = Sample.mean([sample for sample, _ in chosen])
    estimate = mean.estimate()
    items = sum(int(np.any(moved != 0, axis=0).sum()) for moved in mean.items.values())
    gain = float(np.mean([gain for _, gain in chosen]))
    numbers = (estimate.value, gain, estimate.error, estimate.freedom, estimate.trainings, items)
    return [(name, protocol, len(chosen), *numbers, *vars(Design.of(mean)).values())]
