"""What the page of one run shows, and the list of all runs."""

from typing import Any

import numpy as np

from vqa.report.site.embed import compact, decimals, signed, unique_short_names
from vqa.report.site.inputs import Inputs, Landscape
from vqa.report.site.run_plots import curve_plots, landscape_plot, scatter, spread_out
from vqa.report.tables.cells import PROTOCOLS, matching_tests, row_key
from vqa.report.tables.layout import interval
from vqa.settings.params import Run

METRICS = ("srcc", "plcc", "krcc", "rmse")

View = dict[str, Any]


def change(run: Run, params: Any) -> str:
    """What sets a run apart from its method's own recipe, in words."""
    kind, gamma = params.perturbation(run)
    parts = []
    if run.weight_decay is not None:
        parts.append(f"weight decay {plain(run.weight_decay)}")
    if run.augmentation != "none":
        parts.append(run.augmentation)
    if kind != "none":
        parts.append(f"{kind.upper()} γ = {plain(gamma)}")
    if run.parent is not None:
        parts.append(f"fine-tuned from {run.parent}")
    if run.partition is not None and len(run.partition.seeds) > 1:
        parts.append(f"{len(run.partition.seeds)} random splits")
    return ", ".join(parts) or "own recipe"


def runs_list(inputs: Inputs) -> list[View]:
    """One row per run: its first test set under both protocols."""
    params, places = inputs.params, places_in_tables(inputs)
    short = unique_short_names(list(params.runs))
    rows = []
    for name, run in params.runs.items():
        metrics, test = inputs.runs[name].metrics, run.test[0]
        clean, released = (metrics[protocol]["scores"].get(test, {}).get("srcc") for protocol in ("clean", "released"))
        gap = metrics["clean"]["gap"].get(test, {}).get("srcc")
        bonus = metrics.get("selection_bonus", {}).get(test, {}).get("srcc")
        numbers = [(decimals(clean), clean), (decimals(released), released), (signed(gap), gap), (signed(bonus), bonus)]
        rows.append(
            {
                "name": name,
                "short": short[name],
                "method": run.method,
                "train": params.datasets[run.train].title,
                "change": change(run, params),
                "numbers": [(text, "" if value is None else f"{value:.6f}") for text, value in numbers],
                "tables": list(dict.fromkeys(place["name"] for place in places.get(name, []))),
                "landscape": name in inputs.landscapes,
            }
        )
    return rows


def places_in_tables(inputs: Inputs) -> dict[str, list[View]]:
    """For every run the tables and rows that it fills."""
    found: dict[str, dict[tuple, View]] = {}
    for name, frame in inputs.tables.items():
        for cell in frame[frame.run != ""].drop_duplicates(["run", "method", "setting"]).to_dict("records"):
            row = row_key(cell["method"], cell["setting"])
            view = {"name": name, "number": cell["table"], "title": inputs.params.tables[name].title, "row": row}
            found.setdefault(cell["run"], {})[name, row] = view
    return {run: list(places.values()) for run, places in found.items()}


def run_view(name: str, inputs: Inputs, places: list[View]) -> View:
    """Everything on the page of one run."""
    run, files = inputs.params.runs[name], inputs.runs[name]
    record, config = files.record, files.record["config"]
    landscape = inputs.landscapes.get(name)
    return {
        "name": name,
        "run": run,
        "trained_on": inputs.params.datasets[run.train].title,
        "change": change(run, inputs.params),
        "parent": run.parent,
        "children": [other for other, row in inputs.params.runs.items() if row.parent == name],
        "places": places,
        "tests": [test_view(name, key, inputs) for key in run.test],
        "row": flatten(config["run"]),
        "recipe": flatten(config.get("recipe", {})),
        "rest": flatten({key: value for key, value in config.items() if key not in ("run", "recipe")}),
        "curves": curve_plots(files.curve, run),
        "folds": list(files.metrics.get("folds", {})),
        "landscape": landscape and landscape_plot(name, landscape),
        "sharpness": landscape and sharpness_rows(landscape),
        "facts": flatten({"seed": record["seed"], "scale": record["scale"], **record.get("environment", {})}),
        "digests": sorted(files.metrics["items_digest"].items()),
    }


def test_view(name: str, key: str, inputs: Inputs) -> View:
    """Metrics of one test set under both protocols, and its predictions."""
    run, files = inputs.params.runs[name], inputs.runs[name]
    train, intervals = f"{run.train}/train", intervals_of(name, key, inputs)
    rows = []
    for protocol in PROTOCOLS:
        block = files.metrics[protocol]
        tested, trained = block["scores"].get(key, {}), block["scores"].get(train, {})
        for metric in METRICS:
            if metric not in tested:
                continue
            gap = block["gap"].get(key, {}).get(metric)
            cells = [decimals(tested[metric]), intervals.get((protocol, metric), ""), decimals(trained.get(metric))]
            epoch = tested.get("best_epoch", {}).get(metric, "")
            rows.append({"protocol": protocol, "metric": metric.upper(), "cells": [*cells, signed(gap), epoch]})
    scatters = []
    dataset, _, split = key.partition("/")
    for protocol in PROTOCOLS:
        pairs = files.predictions
        pairs = pairs[(pairs.protocol == protocol) & (pairs.dataset == dataset) & (pairs.split == split)]
        if len(pairs):
            epoch = f"epoch {pairs.epoch.iloc[0]}, {pairs.weights.iloc[0]} weights".replace("ema", "EMA")
            drawn = spread_out(pairs)
            items = f"{len(pairs)} items" if len(drawn) == len(pairs) else f"{len(drawn)} of {len(pairs)} items"
            said = f"MOS against prediction on {key}, {protocol} protocol, {items}"
            scatters.append({"protocol": protocol, "epoch": f"{epoch}, {items}", "svg": scatter(drawn, said)})
    n = files.metrics["clean"]["scores"].get(key, {}).get("n", "")
    title = inputs.params.datasets[dataset].title
    return {"key": key, "title": f"{title}, {split}", "n": n, "rows": rows, "scatters": scatters}


def intervals_of(name: str, key: str, inputs: Inputs) -> dict[tuple[str, str], str]:
    """Intervals of a run's test values by protocol and metric, from the tables that show them."""
    found = {}
    for frame in inputs.tables.values():
        for cell in frame[(frame.run == name) & (frame.split == "test")].to_dict("records"):
            if matching_tests(cell["dataset"], (key,), inputs.params.datasets):
                found[cell["protocol"], cell["metric"].lower()] = interval(cell).replace("-", "−")
    return found


def sharpness_rows(landscape: Landscape) -> list[list[str]]:
    """Every sharpness measure of the first training: the mean over the directions, and the range of several."""
    rows, table = [], landscape.sharpness
    table = table[table.fold == table.fold.iloc[0]]
    for (weights, part, measure, at), values in table.groupby(["weights", "part", "measure", "at"], sort=False):
        mean, low, high = values.value.mean(), values.value.min(), values.value.max()
        ranged = f"{compact(low)} to {compact(high)}" if len(values) > 1 else ""
        rows.append([measure.replace("_", " "), at, part, weights, compact(mean, 4), ranged])
    return rows


def flatten(content: dict[str, Any], depth: int = 0) -> list[tuple[int, str, str | None]]:
    """A nested mapping as lines of depth, key and value; a key that holds a mapping has no value of its own."""
    lines: list[tuple[int, str, str | None]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines += [(depth, str(key), None), *flatten(value, depth + 1)]
        else:
            lines.append((depth, str(key), plain(value)))
    return lines


def plain(value: Any) -> str:
    """A value of a configuration as text."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(plain(entry) for entry in value) or "–"
    if isinstance(value, float):  # 0.00001 as in params, not 1e-05
        return np.format_float_positional(value, trim="-")
    return str(value).lower() if isinstance(value, bool) else str(value)
