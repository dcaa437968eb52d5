"""What the page of the landscapes shows: groups of curves as data for the script, and surfaces as drawn heat maps."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from vqa.report.figures.landscape import shown
from vqa.report.figures.style import HUES, INK, METHODS, QUIET, shades
from vqa.report.labels import figure_name
from vqa.report.site.embed import compact, significant
from vqa.report.site.inputs import Inputs, Landscape

LAST = "last_ema"
# Of curves that differ in kind, not in strength.
DASHES = ["", "7 2", "2 2", "6 2 2 2"]
# Side of the heat maps, in pixels.
SIDE = 204

View = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One curve of a group: the weights of a run (empty: the first that were measured), and its look."""

    run: str
    weights: str
    label: str
    colour: str = INK
    dash: str = ""
    base: bool = False


def panels_of(stem: str, block: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Name and block of every panel of a figure; a figure of one panel is its own."""
    panels = block.get("panels")
    if not panels:
        return [(stem, block)]
    return [(f"{stem}{chr(ord('a') + i)}" if len(panels) > 1 else stem, panel) for i, panel in enumerate(panels)]


def lines_of(block: dict[str, Any]) -> list[Line]:
    """The curves that a panel's block of params names: ``label: RUN`` or ``label: RUN/WEIGHTS``.

    The block is checked by the stage that draws the figures; here it is only read, with the same looks.
    """
    curves, hue, base = block.get("curves", {}), block.get("hue"), block.get("base")
    others = [label for label in curves if label != base]
    looks = dict(zip(others, shades(HUES.get(str(hue), QUIET), len(others)), strict=True))
    dashes = dict(zip(others, DASHES * len(others), strict=False)) if hue == "augmentation" else {}
    if hue == "method":
        looks = {label: METHODS.get(label, QUIET) for label in curves}
    return [
        Line(*_run_and_weights(curve), shown(label), looks.get(label, INK), dashes.get(label, ""), label == base)
        for label, curve in curves.items()
    ]


def _run_and_weights(curve: str) -> tuple[str, str]:
    run, _, weights = curve.partition("/")
    return run, weights


def landscapes_view(inputs: Inputs) -> View:
    """Groups of curves in the order of params, the data behind them, and the surfaces.

    A curve that was not measured is left out of its group and named there.
    """
    groups, data = [], {}
    panels = [(stem, *panel) for stem, block in inputs.params.figures.items() for panel in panels_of(stem, block)]
    for stem, name, block in panels:
        if block.get("kind") != "landscape":
            continue
        lines, missing = [], []
        for line in lines_of(block):
            key, curve = f"{line.run}/{line.weights}", curve_data(inputs.landscapes.get(line.run), line.weights)
            if curve is None:
                missing.append(f"{line.label} ({key.rstrip('/')})")
                continue
            data[key] = curve
            lines.append(
                {
                    "key": key,
                    "run": line.run,
                    "label": line.label,
                    "colour": line.colour,
                    "dash": line.dash,
                    "base": line.base,
                }
            )
        title = block.get("title", "")
        relative = bool(block.get("relative"))
        group = {"stem": stem, "id": name, "name": figure_name(name), "title": title, "relative": relative}
        groups.append({**group, "lines": lines, "missing": missing})
    planes = {run: each.surface for run, each in inputs.landscapes.items() if each.surface is not None}
    surfaces = [{"run": run, "maps": heat_maps(run, plane, scale_of(plane, planes))} for run, plane in planes.items()]
    charts = {group["id"]: {"lines": group["lines"], "relative": group["relative"]} for group in groups}
    parts = list(dict.fromkeys(part for curve in data.values() for part in curve["parts"]))
    return {"groups": groups, "data": {"curves": data, "charts": charts}, "surfaces": surfaces, "parts": parts}


def curve_data(landscape: Landscape | None, weights: str) -> View | None:
    """Alphas, and per part (``train``, ``test``) the losses of every direction, rounded; None if not measured.

    Args:
        landscape: of the run.
        weights: which of its weights; empty: the first that were measured.
    """
    if landscape is None or landscape.curve.empty:
        return None
    rows = landscape.curve[landscape.curve.weights == (weights or landscape.curve.weights.iloc[0])]
    if rows.empty:
        return None
    alphas = sorted(set(rows.alpha))
    parts = {}
    for part, table in rows.groupby("part", sort=False):
        wide = table.pivot(index="direction", columns="alpha", values="loss")
        losses = [[significant(value, 5) for value in line] for line in wide.reindex(columns=alphas).to_numpy()]
        parts[part.rpartition("/")[2]] = losses
    return {"alpha": [significant(alpha) for alpha in alphas], "parts": dict(sorted(parts.items(), reverse=True))}


def scale_of(plane: pd.DataFrame, planes: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """Smallest and largest loss of all surfaces over the same data set: one scale, so that runs can be compared."""
    sets = set(plane.part.str.partition("/")[0])
    losses = [other.loss[other.part.str.partition("/")[0].isin(sets)] for other in planes.values()]
    finite = [loss for part in losses for loss in part if math.isfinite(loss)] or [0.0, 1.0]
    return min(finite), max(finite)


def heat_maps(run: str, plane: pd.DataFrame, scale: tuple[float, float]) -> list[View]:
    """One heat map per part of the data, with the ends of its scale of colours."""
    from matplotlib import colormaps  # slow to import, and this page alone needs its colours

    low, high = scale
    colours = [f"#{''.join(f'{c:02x}' for c in rgb)}" for rgb in colormaps["cividis"](range(256), bytes=True)[:, :3]]

    def colour(loss: float) -> str:
        return colours[round((loss - low) / ((high - low) or 1) * 255)] if math.isfinite(loss) else "none"

    ends = {"low": compact(low, 3), "high": compact(high, 3), "stops": [*colours[::32], colours[-1]]}
    maps = []
    for part, rows in plane.groupby("part", sort=False):
        name = part.rpartition("/")[2]
        drawn = draw_heat_map(rows, colour, f"Loss of {run} on {part} around its weights, along two random directions")
        maps.append({"part": name, "svg": drawn, **ends})
    return maps


def draw_heat_map(rows: pd.DataFrame, colour: Any, name: str) -> Markup:
    """One rectangle per measured point, each with its numbers as title; the weights themselves are in the middle."""
    alphas, betas = sorted(set(rows.alpha)), sorted(set(rows.beta))
    left, bottom, step_x, step_y = 40, SIDE + 6, SIDE / len(alphas), SIDE / len(betas)
    parts = []
    for alpha, beta, loss in rows[["alpha", "beta", "loss"]].itertuples(index=False):
        x, y = left + alphas.index(alpha) * step_x, bottom - (betas.index(beta) + 1) * step_y
        # A hair wider than its share, so that no seams show between neighbours.
        place = f'x="{x:.1f}" y="{y:.1f}" width="{step_x + 0.3:.1f}" height="{step_y + 0.3:.1f}"'
        said = escape(f"α {compact(alpha)}, β {compact(beta)}: loss {compact(loss, 4)}")
        parts.append(f'<rect {place} fill="{colour(loss)}"><title>{said}</title></rect>')
    for share, at in ((0.5, 0), (0.5 * len(alphas), len(alphas) // 2), (len(alphas) - 0.5, -1)):
        place = f'x="{left + share * step_x:.1f}" y="{bottom + 15}" text-anchor="middle"'
        parts.append(f'<text class="tick" {place}>{compact(alphas[at])}</text>')
    for share, at in ((0.5, 0), (0.5 * len(betas), len(betas) // 2), (len(betas) - 0.5, -1)):
        place = f'x="{left - 5}" y="{bottom - share * step_y + 4:.1f}" text-anchor="end"'
        parts.append(f'<text class="tick" {place}>{compact(betas[at])}</text>')
    middle = left + SIDE / 2
    parts.append(
        f'<text class="name" x="{middle:.0f}" y="{bottom + 30}" text-anchor="middle">α, first direction</text>'
    )
    turned = f"translate(11 {bottom - SIDE / 2:.0f}) rotate(-90)"
    parts.append(f'<text class="name" transform="{turned}" text-anchor="middle">β, second direction</text>')
    size = f'viewBox="0 0 {left + SIDE + 8} {bottom + 34}" width="{left + SIDE + 8}" height="{bottom + 34}"'
    return Markup(f'<svg class="plot heat" {size} role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>')
