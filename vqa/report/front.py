"""The front page of the report: what was rebuilt, at which scale, what it says, and what is not in it."""

import json
from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.params import Params, Run
from vqa.report.layout import coverage, interval, number, warnings
from vqa.report.render import markdown_block, pipe_table
from vqa.report.tables import PROTOCOLS, read_paper, read_table
from vqa.report.wording import interval_definition, protocol_definitions, scale_warning


def is_baseline(run: Run, recipe: dict) -> bool:
    """Whether a run is its method's own recipe: no augmentation, no perturbation, the recipe's weight decay."""
    plain = run.augmentation == "none" and run.perturbation == "none"
    return plain and run.weight_decay in (None, recipe.get("weight_decay"))


def baseline_cell(frame: pd.DataFrame, params: Params) -> pd.Series | None:
    """The clean test SRCC of the first baseline row of a table, on its first test set; None if there is none."""
    chosen = frame[(frame.protocol == "clean") & (frame.split == "test") & (frame.metric == "SRCC") & (frame.run != "")]
    for _, cell in chosen.iterrows():
        run = params.runs[cell.run]
        if is_baseline(run, params.methods[run.method]):
            return cell
    return None


def overview(frames: dict[str, pd.DataFrame], params: Params) -> list[str]:
    """One line per table: link, title, coverage, and the baseline's clean test SRCC beside the paper's."""
    rows = []
    for name, frame in frames.items():
        cell = baseline_cell(frame, params)
        ours = "–" if cell is None else f"{number(cell['value'])} {interval(cell)}".rstrip()
        paper = "–" if cell is None else number(cell["paper"])
        link = f"[{frame.table.iloc[0]}](tables/{name}.md)"
        rows.append([link, params.tables[name].title, coverage(frame), ours, paper])
    header = ["Table", "Title", "Coverage (per protocol)", "Baseline, clean test SRCC [95 % interval]", "Paper"]
    return pipe_table(header, [False] * 5, rows)


def not_run(frames: dict[str, pd.DataFrame], paper: Path) -> list[str]:
    """Bullets: the rows of the rendered tables without a run, and the paper's tables that are not rendered at all."""
    lines = []
    for frame in frames.values():
        missing = frame[(frame.protocol == PROTOCOLS[0]) & (frame.source == "missing")]
        rows = dict.fromkeys(s or m for m, s in zip(missing.method, missing.setting, strict=True))
        if rows:
            lines.append(f"- {frame.table.iloc[0]}, in part: {', '.join(rows)}.")
    absent = [path for path in sorted(paper.glob("table*.csv")) if path.stem not in frames]
    if absent:
        numbers = (read_paper(path).table.iloc[0].removeprefix("Table ") for path in absent)
        lines.append(f"- Not run at all: tables {', '.join(numbers)}.")
    return lines or ["- Nothing: every cell of the paper's tables is filled."]


def data_overview(params: Params, prepared: Path) -> list[str]:
    """One line per data set and split: items, excluded items, MOS, frames, and the digest of the item list."""
    rows = []
    for name, dataset in params.datasets.items():
        path = prepared / name / "report.json"
        if not path.is_file():
            raise InputError(f"{path} is missing: `dvc repro prepare@{name}`")
        report = json.loads(path.read_text(encoding="utf-8"))
        for split, part in report["splits"].items():
            excluded = sum(item["split"] == split for item in report["excluded"])
            mos, frames = part["mos"], part["frames"]
            spread = f"{mos['min']:.2f} to {mos['max']:.2f}, mean {mos['mean']:.2f}"
            length = str(frames[0]) if frames[0] == frames[1] else f"{frames[0]}-{frames[1]}"
            rows.append(
                [dataset.title, split, str(part["items"]), str(excluded), spread, length, f"`{part['items_digest']}`"]
            )
    header = ["Data set", "Split", "Items", "Excluded", "MOS", "Frames", "Item list"]
    return pipe_table(header, [False, False, True, True, False, True, False], rows)


def front_page(params: Params, reports: Path, paper: Path, prepared: Path) -> str:
    """Markdown of the front page.

    Args:
        params: names the tables and figures.
        reports: folder that holds ``tables/`` and ``figures/`` and gets the page.
        paper: folder of the paper's numbers.
        prepared: folder of the prepared data sets.

    Raises:
        InputError: if a table, figure or data set that params name was not made.
    """
    frames = {name: read_table(reports / "tables" / f"{name}.csv") for name in params.tables}
    common = params.common
    lines = [
        "# Report",
        "",
        "The tables and figures of the paper on the generalization of video quality assessment models, rebuilt by",
        "`make repro` and shown beside the paper's own numbers.",
        "",
        f"> **{scale_warning(common)}**",
        ">",
        f"> Scale `{common.scale}`, training seed {common.seed}.",
        *("", "## Tables", "", *overview(frames, params), ""),
        *("## Figures", "", *_figures(params, reports)),
        *("## Data", "", *data_overview(params, prepared), ""),
        *("![Samples of every data set, from low to high MOS](figures/contact_sheet.png)", ""),
        *("## How to read", "", *_how_to_read(params), ""),
        *("## What was not run", "", *not_run(frames, paper), ""),
        *("## Tables in full", ""),
    ]
    for name, frame in frames.items():
        lines += [f"### {frame.table.iloc[0]}. {params.tables[name].title}", ""]
        lines += [line for warning in warnings(frame) for line in (f"**Warning:** {warning}", "")]
        for protocol in PROTOCOLS:
            lines += [f"{protocol.capitalize()} protocol:", "", *markdown_block(frame, protocol), ""]
        files = " · ".join(f"[{kind}](tables/{name}.{kind})" for kind in ("md", "tex", "csv"))
        lines += [f"Items, seeds and coverage: {files}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _figures(params: Params, reports: Path) -> list[str]:
    lines = []
    for stem, figure in params.figures.items():
        if not (reports / "figures" / f"{stem}.png").is_file():
            raise InputError(f"{reports}/figures/{stem}.png is missing: `dvc repro figures`")
        text = f"{_figure_name(stem)}: {figure.metric.upper()} over the epochs, {figure.title}"
        files = " · ".join(f"[{kind}](figures/{stem}.{kind})" for kind in ("svg", "csv"))
        lines += [f"![{text}](figures/{stem}.png)", "", f"{text} (run `{figure.run}`): {files}", ""]
    return lines or ["None in params.", ""]


def _figure_name(stem: str) -> str:
    """``Figure 1(a)`` for ``fig1a``, as the paper names it."""
    number, part = stem.removeprefix("fig").rstrip("abcdefgh"), stem[-1]
    return f"Figure {number}({part})" if part.isalpha() else f"Figure {number}"


def _how_to_read(params: Params) -> list[str]:
    definitions = protocol_definitions(params.common)
    return [
        *(f"- {name.capitalize()} protocol: {text}" for name, text in definitions.items()),
        f"- Intervals: {interval_definition(params.common)} With one seed, a difference between two rows that is small "
        "against their intervals says nothing about which is better.",
        "- Gap: train minus test. Every row shows ours above the paper's.",
        "- The CSV file of a table has every cell with its run, seed, number and digest of items, and the intervals of "
        "train values and gaps as well.",
    ]
