"""The regression gate: metrics of every run in params against a baseline file.

The baseline file holds the ``environment`` of its runs (device, instruction set, versions), the digests of the item
lists it was made with, and per run flat names such as ``clean konvid1k/test srcc``. A run of the same environment must
give the same digits: its tolerance is 0. Elsewhere (another processor family, a GPU, other versions) a training ends
elsewhere, and how far a metric may fall is measured: ``tolerances`` holds, for every method, how far trainings with
other seeds lie apart (``vqa check --tolerances``), and the same for the mean over methods. Lower test metrics fail,
higher ones are reported; train metrics are shown for information.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.io import InputError
from vqa.settings.params import Params

METRICS = ("srcc", "plcc")
PROTOCOLS = ("released", "clean")
MEAN = "mean over runs"
KEYS = {"environment", "tolerances", "items_digest", "runs"}
FAILURES = ("REGRESSION", "missing")

Flat = dict[str, float | None]


@dataclass(frozen=True)
class Line:
    """One comparison.

    Attributes:
        run: name of the run, or :data:`MEAN`.
        metric: flat name.
        baseline: value in the baseline file, None if it is not there.
        now: value of the run, None if it is not defined.
        verdict: ``ok``, ``REGRESSION``, ``improved``, ``changed`` (train only), ``missing`` or ``new``.
    """

    run: str
    metric: str
    baseline: float | None
    now: float | None
    verdict: str


def flatten(metrics: dict[str, Any]) -> Flat:
    """SRCC and PLCC of a run's ``metrics.json`` by flat name; six digits, None where a metric is not defined."""
    flat: Flat = {}
    for protocol in PROTOCOLS:
        for key, scores in metrics[protocol]["scores"].items():
            for metric in METRICS:
                value = scores[metric]
                flat[f"{protocol} {key} {metric}"] = None if value is None else round(value, 6)
    return flat


def read_results(names: Iterable[str], runs: Path, file: str = "metrics.json") -> dict[str, dict]:
    """One JSON file of all runs by name; InputError if one is missing."""
    found = {}
    for name in names:
        path = runs / name / file
        if not path.is_file():
            stage = "evaluate" if file == "metrics.json" else "train"
            raise InputError(f"{path} is missing: run `vqa repro` first, or `vqa repro {stage}@{name}`")
        found[name] = json.loads(path.read_text())
    return found


def read_environments(names: Iterable[str], runs: Path) -> dict[str, dict]:
    """What the digits of every run depend on beside code and data (:func:`vqa.device.describe`), by name."""
    return {name: record["environment"] for name, record in read_results(names, runs, "run.json").items()}


def baseline_path(params: Params) -> Path:
    """The baseline file of a scale."""
    return Path(params.root) / "reports" / "baselines" / f"{params.common.scale}.json"


def read_baseline(path: Path) -> dict[str, Any]:
    """The baseline file; InputError if it is missing or not one."""
    if not path.is_file():
        raise InputError(f"{path} is missing: if the present metrics are good, `vqa check --update`")
    try:
        baseline = json.loads(path.read_text())
        complete = baseline.keys() >= KEYS
    except (ValueError, AttributeError):
        complete = False
    if not complete:
        raise InputError(f"{path} is not a whole baseline file: restore it, or delete it and make one with --update")
    return baseline


def item_digests(metrics: dict[str, dict]) -> dict[str, dict[str, str]]:
    """Digest of the item list of every ``dataset/split`` per run; random cuts by their seeds, ``dataset/split@42``."""
    found = {}
    for run, content in metrics.items():
        cuts = "".join(f"@{seed}" for seed in content["cuts"])
        found[run] = {f"{key}{cuts}": digest for key, digest in content["items_digest"].items()}
    return found


def make_baseline(
    metrics: dict[str, dict], environments: dict[str, dict], scale: str, tolerances: dict[str, Any]
) -> dict[str, Any]:
    """Content of a baseline file that these metrics meet exactly.

    Raises:
        InputError: if two runs were scored on different items of the same ``dataset/split``, or were not made in one
            environment.
    """
    environment, *others = {json.dumps(found): found for found in environments.values()}.values()
    if others:
        raise InputError(f"the runs are of several environments, {environment} and {others[0]}: `make repro`")
    digests: dict[str, str] = {}
    for run, found in item_digests(metrics).items():
        for key, digest in found.items():
            if digests.setdefault(key, digest) != digest:
                raise InputError(f"runs/{run} was scored on other items of {key} than the runs before: `make repro`")
    flat = {run: flatten(content) for run, content in metrics.items()}
    content = {"scale": scale, "environment": environment, "tolerances": tolerances}
    return {**content, "items_digest": digests, "runs": flat}


def changed_items(metrics: dict[str, dict], baseline: dict[str, Any]) -> list[str]:
    """One line for every ``dataset/split`` whose items are not those of the baseline."""
    known, lines = baseline["items_digest"], {}
    for run, found in item_digests(metrics).items():
        for key, digest in found.items():
            if known.get(key, digest) != digest:
                lines[key] = f"items of {key} changed: baseline {known[key]}, now {digest} (run {run})"
    return list(lines.values())


def compare(
    metrics: dict[str, dict], baseline: dict[str, Any], methods: dict[str, str], elsewhere: Collection[str]
) -> list[Line]:
    """All comparisons, runs of params first, then runs that only the baseline knows, then the means.

    Args:
        metrics: of every run in params.
        baseline: see :func:`read_baseline`.
        methods: the method of every run in params.
        elsewhere: runs of another environment than the baseline's, which need not have the same digits.

    Raises:
        InputError: if the tolerances of a method are needed and were not measured.
    """
    now, before = {run: flatten(content) for run, content in metrics.items()}, baseline["runs"]
    tolerances, lines = baseline["tolerances"], []
    for method in sorted({methods[run] for run in elsewhere} - tolerances.get("methods", {}).keys()):
        raise InputError(f"the baseline has no tolerances of {method}: `vqa check --tolerances` measures them")
    for run in dict.fromkeys([*now, *before]):
        limits = tolerances["methods"][methods[run]] if run in elsewhere else dict.fromkeys(METRICS, 0.0)
        for metric in dict.fromkeys([*before.get(run, {}), *now.get(run, {})]):
            old, new = before.get(run, {}).get(metric), now.get(run, {}).get(metric)
            gone = run not in now or metric not in now[run]
            limit = limits[metric.rpartition(" ")[2]]
            verdict = "missing" if gone else _verdict(old, new, limit, train="/train " in metric)
            lines.append(Line(run, metric, old, new, verdict))
    for protocol in PROTOCOLS:
        old, new = _means(before, now, protocol)
        if old is not None:
            limit = tolerances["mean test srcc"] if elsewhere else 0.0
            verdict = _verdict(old, new, limit, train=False)
            lines.append(Line(MEAN, f"{protocol} mean test srcc", old, new, verdict))
    return lines


def _verdict(old: float | None, new: float | None, tolerance: float, train: bool) -> str:
    if old is None:
        return "new"
    if new is None:
        return "REGRESSION"  # a metric that was defined: the model now predicts one value for all items
    if abs(new - old) <= tolerance:
        return "ok"
    if train:
        return "changed"
    return "improved" if new > old else "REGRESSION"


def _means(before: dict[str, Flat], now: dict[str, Flat], protocol: str) -> tuple[float | None, float | None]:
    """Mean test SRCC of one protocol, then and now, over the values that both have."""
    old, new = [], []
    for run, flat in before.items():
        for metric, value in flat.items():
            other = now.get(run, {}).get(metric)
            counts = metric.startswith(f"{protocol} ") and metric.endswith(" srcc") and "/train " not in metric
            if counts and value is not None and other is not None:
                old.append(value)
                new.append(other)
    return (sum(old) / len(old), sum(new) / len(new)) if old else (None, None)


def render(lines: list[Line]) -> str:
    """The comparisons as an aligned plain-text table."""
    header = ("run", "metric", "baseline", "now", "delta", "verdict")
    rows = [header]
    for line in lines:
        delta = "-" if line.baseline is None or line.now is None else f"{line.now - line.baseline:+.4f}"
        numbers = (_number(line.baseline), _number(line.now), delta)
        rows.append((line.run, line.metric, *numbers, line.verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    texts = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        padded[2:5] = [cell.rjust(width) for cell, width in zip(row[2:5], widths[2:5], strict=True)]
        texts.append("  ".join(padded).rstrip())
    return "\n".join(texts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def summary(lines: list[Line], elsewhere: Collection[str]) -> str:
    """One line: how many comparisons of each verdict, and how exact they had to be."""
    verdicts = [line.verdict for line in lines]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    failed = any(verdict in FAILURES for verdict in verdicts)
    how = "the same digits, as the environment is the baseline's"
    if elsewhere:
        how = f"within the spread over seeds for the {len(elsewhere)} runs of another environment than the baseline's"
    return f"{'FAILED' if failed else 'passed'}: {len(lines)} comparisons, {counts}; asked for: {how}"
