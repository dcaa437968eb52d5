"""How near a run that was trained or evaluated anew is to the one in the lock, by its metrics and its predictions.

Two questions: whether every metric lies within the tolerances of ``vqa check``, and whether a paired test over the same
items and trainings tells the two apart (:mod:`vqa.stats.trainings`).
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.io import InputError
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import Params
from vqa.stats.trainings import Estimate
from vqa.tracking import check as gate

FILES = ("metrics.json", "predictions.csv", "epoch_predictions.csv")


@dataclass(frozen=True)
class Nearness:
    """A run anew beside the one in the lock.

    Attributes:
        run: its name.
        within: whether every metric lies within its tolerance; False if none was measured.
        moved: the metric that moved most and by how much, in words.
        tests: the difference of every test metric, new minus lock, by flat name; none if the items differ.
    """

    run: str
    within: bool
    moved: str
    tests: dict[str, Estimate]


def nearness(run: str, old: Path, new: Path, params: Params) -> Nearness:
    """Compare one run of both.

    Args:
        run: name of a run of params.
        old: folder with :data:`FILES` of the lock.
        new: the same, made anew.
        params: of the scale.
    """
    before, now = (json.loads((folder / "metrics.json").read_text()) for folder in (old, new))
    moves = _moves(gate.flatten(before), gate.flatten(now))
    name = max(moves, key=lambda name: abs(moves[name]), default="")
    moved = f"{name} moved by {moves[name]:+.4f}, the most of {len(moves)} metrics" if name else "no metric is defined"
    if gate.item_digests({run: before}) != gate.item_digests({run: now}):
        return Nearness(run, False, "scored on other items", {})
    return Nearness(run, _within(run, before, now, params), moved, _tests(run, old, new, params))


def _moves(before: gate.Flat, now: gate.Flat) -> dict[str, float]:
    """New minus old of every metric that both have."""
    moves = {}
    for name, old in before.items():
        new = now.get(name)
        if old is not None and new is not None:
            moves[name] = new - old
    return moves


def _within(run: str, before: dict[str, Any], now: dict[str, Any], params: Params) -> bool:
    """Whether the gate finds nothing, with the lock's metrics for a baseline and its tolerances for another machine."""
    method = params.runs[run].method
    try:
        tolerances = gate.read_baseline(gate.baseline_path(params))["tolerances"]
        baseline = gate.make_baseline({run: before}, {run: {}}, params.common.scale, tolerances)
        lines = gate.compare({run: now}, baseline, {run: method}, [run])
    except InputError:  # no tolerances of this scale or method
        return False
    # The mean over runs has a tolerance for all of them together.
    own = [line for line in lines if line.run == run and (line.baseline is not None or line.now is not None)]
    return all(line.verdict == "ok" for line in own)


def _tests(run: str, old: Path, new: Path, params: Params) -> dict[str, Estimate]:
    """The mixed test of every test metric of both protocols."""
    row = params.runs[run]
    one, other = (TrainedRun(run, row, folder, params.common) for folder in (new, old))
    return {
        f"{protocol} {key} {metric}": (
            one.sample(protocol, key, metric, "test") - other.sample(protocol, key, metric, "test")
        ).estimate()
        for protocol in gate.PROTOCOLS
        for key in row.test
        for metric in gate.METRICS
    }


def widest(tests: dict[str, Estimate], level: float) -> str:
    """The difference with the widest interval, in words."""
    defined = {name: test for name, test in tests.items() if not math.isnan(test.error)}
    if not defined:
        return "no difference is defined"
    name = max(defined, key=lambda name: defined[name].error)
    low, high = defined[name].interval(level)
    return f"{name} differs by {defined[name].value:+.4f} [{low:+.4f}, {high:+.4f}]"
