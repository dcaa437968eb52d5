"""The plots on the page of one run: predictions, curves over the epochs, and the landscape around its weights."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from vqa.report.site.embed import compact, decimals
from vqa.report.site.inputs import Landscape
from vqa.report.site.landscapes import LAST, curve_data
from vqa.report.site.svg import Plot, padded
from vqa.settings.params import Run

View = dict[str, Any]


# Dots of one scatter; more of them make a page of megabytes and hide each other.
DOTS = 1000


def spread_out(pairs: pd.DataFrame) -> pd.DataFrame:
    """At most :data:`DOTS` items, evenly over their order by MOS, the lowest and the highest among them."""
    if len(pairs) <= DOTS:
        return pairs
    return pairs.sort_values("mos", kind="stable").iloc[np.linspace(0, len(pairs) - 1, DOTS).round().astype(int)]


def scatter(pairs: pd.DataFrame, name: str) -> Markup:
    """MOS against prediction, a dot per item that says the item's name."""
    plot = Plot(padded(pairs.mos), padded(pairs.prediction), ("MOS", "prediction"), (320, 230))
    for item, mos, prediction in pairs[["item", "mos", "prediction"]].itertuples(index=False):
        plot.dot(mos, prediction, "dot test", f"{item}: MOS {compact(mos, 4)}, prediction {compact(prediction, 4)}")
    return plot.render(name)


def curve_plots(curve: pd.DataFrame, run: Run) -> list[View]:
    """Training loss, and SRCC and PLCC of train and test over the epochs for every test set; the first split's."""
    curve = curve[curve.fold == curve.fold.iloc[0]]
    epochs = (float(curve.epoch.min()), max(float(curve.epoch.max()), float(curve.epoch.min()) + 1))
    plots = []
    for key in run.test:
        rows = curve[curve.dataset == key]
        for metric in ("srcc", "plcc"):
            series = {
                "train": ("train", "train", rows[f"train_{metric}"]),
                "raw": ("test raw", "test thin", rows[f"test_{metric}_raw"]),
                "ema": ("test EMA", "test", rows[f"test_{metric}_ema"]),
            }
            values = pd.concat([values for _, _, values in series.values()])
            plot = Plot(epochs, padded(values), ("epoch", metric.upper()), (350, 200), right=66, whole=True)
            labels = []
            for text, kind, ys in series.values():
                if ys.notna().any():
                    plot.line(list(rows.epoch), list(ys), f"line {kind}")
                    labels.append((float(ys.dropna().iloc[-1]), text, kind))
                    for epoch, y in zip(rows.epoch, ys, strict=True):
                        plot.dot(epoch, y, f"dot {kind}", f"epoch {epoch}: {text} {metric.upper()} {decimals(y)}", 1.8)
            plot.end_labels(labels)
            plots.append({"key": key, "svg": plot.render(f"{metric.upper()} on {key} over the epochs")})
    rows = curve[curve.dataset == run.test[0]]
    plot = Plot(epochs, padded(rows.loss), ("epoch", "training loss"), (350, 200), right=66, whole=True)
    plot.line(list(rows.epoch), list(rows.loss), "line train")
    for epoch, loss in zip(rows.epoch, rows.loss, strict=True):
        plot.dot(epoch, loss, "dot train", f"epoch {epoch}: training loss {compact(loss, 4)}", 1.8)
    return [*plots, {"key": "loss", "svg": plot.render("Training loss over the epochs")}]


def landscape_plot(name: str, landscape: Landscape) -> View | None:
    """The loss around the last averaged weights, train and test in one plot; None if those were not measured."""
    data = curve_data(landscape, LAST)
    if data is None:
        return None
    points = [
        (part, alpha, loss)
        for part, lines in data["parts"].items()
        for line in lines
        for alpha, loss in zip(data["alpha"], line, strict=True)
    ]
    frame = pd.DataFrame(points, columns=["part", "alpha", "loss"]).dropna()
    means = frame.groupby(["part", "alpha"], sort=False).loss.agg(["mean", "min", "max"]).reset_index()
    alphas = (data["alpha"][0], data["alpha"][-1])
    plot, labels = Plot(alphas, padded(means["mean"]), ("α", "loss"), (420, 260), right=50), []
    for part, rows in means.groupby("part", sort=False):
        rows = rows.sort_values("alpha")
        plot.line(list(rows.alpha), list(rows["mean"]), f"line {part}")
        labels.append((float(rows["mean"].iloc[-1]), part, part))
        for alpha, mean, low, high in rows[["alpha", "mean", "min", "max"]].itertuples(index=False):
            texts = (f"α {compact(alpha)}: {part} loss {compact(mean, 4)}", f"{compact(low, 4)} to {compact(high, 4)}")
            plot.dot(alpha, mean, f"dot {part}", ", over directions ".join(texts), 1.8)
    plot.end_labels(labels)
    directions = max(len(lines) for lines in data["parts"].values())
    said = f"Loss along {directions} random directions around the last weights of {name}"
    return {"svg": plot.render(said), "directions": directions}
