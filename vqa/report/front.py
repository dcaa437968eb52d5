"""The front page of the report: what was rebuilt, at which scale, what held, and what is not in it."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.report.figures.figure import read_figures
from vqa.report.labels import figure_name, method_title
from vqa.report.tables.agreements import worst_by_clip
from vqa.report.tables.cells import PROTOCOLS, read_paper, read_table
from vqa.report.tables.layout import coverage, exceptions, interval, number, row_names, sources, warnings
from vqa.report.tables.render import markdown_digest, pipe_table
from vqa.report.tables.significance import MARK, read_marks
from vqa.report.tables.twins import twin_lines
from vqa.report.wording import QUOTED, command, interval_definition, protocol_definitions, scale_warning, training_seeds
from vqa.settings.params import Params, Run

BASELINES = (
    "Every method with its own recipe, without augmentation and perturbation: clean test SRCC [95 % interval], and, "
    "where the paper has the same method, its SRCC of the same row."
)
FUSION = (
    "SRCC of the clean protocol's scores, fused by every rule; w is the weight of the technical branch. One that is "
    "tuned on a test set is picked as the released option file's are. Gains with intervals are in "
    "[statistics/fusion.csv](statistics/fusion.csv)."
)
AGREEMENT = (
    "Features that the suite computes from a video beside the row that others published of it: how many are equal to a "
    "millionth, and the one that lies furthest away, in standard deviations of that feature over the data set. All are "
    "in [statistics/agreement.csv](statistics/agreement.csv)."
)
OUR_ROWS = (
    "Every row that was run, in both protocols. The rows that the paper quotes from the literature, and the notes, are "
    "on the pages of the tables."
)

Frames = dict[str, pd.DataFrame]


def overview(frames: Frames, params: Params, paper: Path) -> list[str]:
    """One line per table: link, title and coverage; then the total over all tables of the paper."""
    rows: list[list[str]] = []
    total: Counter[str] = Counter()
    for name, frame in frames.items():
        counts = sources(frame)
        total += counts
        rows.append([f"[{frame.table.iloc[0]}](tables/{name}.md)", params.tables[name].title, coverage(counts)])
    for path in _absent(frames, paper):
        total["missing"] += int((read_paper(path).value != "").sum())
    if params.own:
        return pipe_table(["Table", "Title"], [False] * 2, [row[:2] for row in rows])
    header = ["Table", "Title", "Coverage (per protocol)"]
    return [*pipe_table(header, [False] * 3, rows), "", f"All tables of the paper: {coverage(total)} (per protocol)."]


def is_baseline(run: Run, recipe: dict) -> bool:
    """Whether a run is its method's own recipe: no augmentation, no perturbation, the recipe's weight decay."""
    plain = run.augmentation == "none" and run.perturbation == "none"
    return plain and run.weight_decay in (None, recipe.get("weight_decay"))


def baseline_cells(frame: pd.DataFrame, params: Params) -> Iterator[tuple[str, dict]]:
    """Method and cell of every clean test SRCC of a table that belongs to the own recipe of a method of ours."""
    ours = frame[(frame.protocol == "clean") & (frame.split == "test") & (frame.metric == "SRCC") & (frame.run != "")]
    for cell in ours.to_dict("records"):
        method, _, addition = cell["method"].partition("+")
        run = params.runs[cell["run"]]
        # A fine-tuning without perturbation may start from a perturbed run: then the paper's row says so.
        plain = not addition or cell["setting"] == "gamma=0"
        if plain and is_baseline(run, params.methods[run.method]):
            yield method, cell


def training_sets(run: Run, params: Params) -> str:
    """Titles of the data sets that a run's weights have seen, in order."""
    title = params.datasets[run.train].title
    return title if run.parent is None else f"{training_sets(params.runs[run.parent], params)}, then {title}"


def baselines(frames: Frames, params: Params) -> list[str]:
    """The methods' own recipes on every test set, ours beside the paper's; tables that share a line are merged.

    Where another method stands in for the paper's, or the paper has no such table, there is nothing to be beside; of
    tables of our own only what is in none before them has a line.
    """
    lines: dict[tuple[str, ...], list[str]] = {}
    shown: set[tuple[str, str]] = set()
    for name, frame in frames.items():
        table = params.tables[name]
        alone = table.stand_in or bool(table.columns)
        for method, cell in baseline_cells(frame, params):
            place = cell["run"], cell["dataset"]
            if table.columns and place in shown:
                continue
            shown.add(place)
            run = params.runs[cell["run"]]
            title = method_title(run.method) if alone else method
            values = f"{number(cell['value'])} {interval(cell)}".rstrip(), "" if alone else number(cell["paper"])
            label = frame.table.iloc[0].removeprefix("Table ")
            lines.setdefault((training_sets(run, params), cell["dataset"], title, *values), []).append(label)
    if not lines:
        return ["No run of a method's own recipe is in the tables."]
    header = ["Tables", "Trained on", "Tested on", "Method", "Ours", "Paper"]
    return pipe_table(header, [False] * len(header), [[", ".join(labels), *line] for line, labels in lines.items()])


def agreement(reports: Path) -> list[str]:
    """The section on features of our own beside published ones; nothing where no row has them."""
    table = worst_by_clip(_statistic(reports, "agreement"))
    if table.empty:
        return []
    rows = [
        [row["run"], row["clip"], f"{row['close']} of {row['features']}", row["furthest"], f"{row['deviations']:.2g}"]
        for row in table.to_dict("records")
    ]
    header = ["Row", "Video", "Equal", "Furthest", "Deviations"]
    right = [False, False, True, False, True]
    return ["## Features beside published ones", "", AGREEMENT, "", *pipe_table(header, right, rows), ""]


def _statistic(reports: Path, name: str) -> pd.DataFrame:
    path = reports / "statistics" / f"{name}.csv"
    if not path.is_file():
        raise InputError(f"{path} is missing: `dvc repro statistics`")
    return pd.read_csv(path)


def fusion(reports: Path) -> list[str]:
    """The section on the rules of fusing two branches; nothing where no row has branches."""
    table = _statistic(reports, "fusion")
    if table.empty:
        return []
    rows = []
    for (name, dataset), part in table.groupby(["run", "dataset"], sort=False):
        texts = []
        for row in part.to_dict("records"):
            weight = "" if pd.isna(row["weight"]) or row["weight"] in (0, 1) else f" (w {row['weight']:.3g})"
            texts.append(f"{row['srcc']:.3f}{weight}")
        rows.append([name, dataset, *texts])
    header = ["Run", "Tested on", *dict.fromkeys(table.rule)]
    return ["## Fusion of two branches", "", FUSION, "", *pipe_table(header, [False] * len(header), rows), ""]


def not_run(frames: Frames, paper: Path) -> list[str]:
    """Bullets: the rows of the rendered tables without a run, and the paper's tables that are not rendered at all."""
    lines = []
    for frame in frames.values():
        missing = frame[(frame.protocol == PROTOCOLS[0]) & (frame.source == "missing") & frame.paper.notna()]
        if len(missing):
            lines.append(f"- {frame.table.iloc[0]}, in part: {row_names(missing)}.")
    if absent := _absent(frames, paper):
        numbers = (read_paper(path).table.iloc[0].removeprefix("Table ") for path in absent)
        lines.append(f"- Not run at all: tables {', '.join(numbers)}.")
    return lines or ["- Nothing: every cell of the paper's tables is trained or quoted."]


def _absent(frames: Frames, paper: Path) -> list[Path]:
    return [path for path in sorted(paper.glob("table*.csv")) if path.stem not in frames]


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
    common, judged = params.common, not params.own
    lines = [
        "# Report",
        "",
        *_introduction(params),
        "",
        f"> **{scale_warning(common)}**",
        ">",
        f"> Scale `{common.scale}`, {training_seeds(params)}.",
        "> All of it to click and hover: [site/index.html](site/index.html).",
        "",
        *(("## Verdicts", "", *verdicts(reports), "") if judged else ()),
        *("## Tables", "", *overview(frames, params, paper), ""),
        *(("## Baselines", "", BASELINES, "", *baselines(frames, params), "") if judged else ()),
        *fusion(reports),
        *agreement(reports),
        *("## Figures", "", *_figures(params, reports)),
        *("## Data", "", *data_overview(params, prepared), ""),
        *("![Samples of every data set, from low to high MOS](contact_sheet.png)", ""),
        *("## How to read", "", *_how_to_read(params), ""),
        *(("## What was not run", "", *not_run(frames, paper), "") if judged else ()),
        *(("## Our rows in full", "", OUR_ROWS, "") if judged else ("## All rows", "")),
    ]
    compared = reports / "statistics" / "comparisons.csv"
    marks = read_marks(compared, params.statistics["level"])
    for name, frame in frames.items():
        lines += [f"### {frame.table.iloc[0]}. {params.tables[name].title}", ""]
        lines += [line for warning in warnings(frame) for line in (f"**Warning:** {warning}", "")]
        lines += [*(markdown_digest(frame, marks.get(name)) or ["No row was run."]), ""]
        if params.tables[name].columns and (changes := twin_lines(compared, name, params.statistics["level"])):
            lines += [*changes, ""]
        lines += [line for term, text in exceptions(frame).items() for line in (f"{term}: {text}", "")]
        files = " · ".join(f"[{kind}](tables/{name}.{kind})" for kind in ("md", "tex", "csv"))
        lines += [f"All rows, items and seeds: {files}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _introduction(params: Params) -> list[str]:
    if params.own:
        titles = " and ".join(dataset.title for dataset in params.datasets.values())
        return [
            f"Trainings on {titles}, with and without perturbation of the weights, made by `{command(params.common)}`.",
            "The paper says nothing about these data: there is no number of its own beside ours, and no verdict.",
        ]
    return [
        "The tables and figures of the paper on the generalization of video quality assessment models, rebuilt by",
        f"`{command(params.common)}` and shown beside the paper's own numbers.",
    ]


def verdicts(reports: Path) -> list[str]:
    """One line per claim of the paper, and how many held."""
    path = reports / "claims.csv"
    if not path.is_file():
        raise InputError(f"{path} is missing: `dvc repro verdicts`")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    clean = table[table.protocol == "clean"].set_index("id")
    released = table[table.protocol == "released"].set_index("id").verdict
    counts = ", ".join(f"{count} {verdict}" for verdict, count in clean.verdict.value_counts(sort=False).items())
    rows = [
        [
            f"[{name}](verdicts.md#{_anchor(f'{name}: {claim.title}')})",
            claim.title,
            claim.source,
            claim.verdict,
            released[name],
            claim.paper_holds,
        ]
        for name, claim in clean.iterrows()
    ]
    header = ["Claim", "What the paper says", "Source", "Clean", "Released", "By its own numbers"]
    return [
        f"{len(clean)} claims of the paper, judged on the data of this scale by the clean protocol: {counts}. "
        "Tests, intervals and what these data could have shown: [verdicts.md](verdicts.md).",
        "",
        *pipe_table(header, [False] * len(header), rows),
    ]


def _anchor(heading: str) -> str:
    """Where a link to a heading of a Markdown page leads."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _figures(params: Params, reports: Path) -> list[str]:
    lines = []
    for stem, figure in read_figures(params).items():
        if not (reports / "figures" / f"{stem}.png").is_file():
            raise InputError(f"{reports}/figures/{stem}.png is missing: `dvc repro figures`")
        text = f"{figure_name(stem)}: {figure.title}" if stem.startswith("fig") else figure.title
        files = [f"[svg](figures/{stem}.svg)", *(f"[{s}.csv](figures/{s}.csv)" for s in figure.stems(stem))]
        lines += [f"![{text}](figures/{stem}.png)", "", f"{text}: {' · '.join(files)}", ""]
    return lines or ["None in params.", ""]


def _how_to_read(params: Params) -> list[str]:
    definitions = protocol_definitions(params.common)
    beside = ["- Gap: train minus test. Every row of ours is shown above the paper's.", f"- Quoted: {QUOTED}"]
    if params.own:
        beside = ["- Gap: train minus test."]
    return [
        *(f"- {name.capitalize()} protocol: {text}" for name, text in definitions.items()),
        f"- {MARK} beside a value: it differs from the table's reference row (own recipe, gamma 0, or the row without "
        f"AWP) by the mixed test over three trainings and more and over items, each for itself, level "
        f"{params.statistics['level']:g}.",
        f"- Intervals: {interval_definition()} A difference between two rows that is small against their "
        "intervals says nothing about which is better.",
        *beside,
        "- The CSV file of a table has every cell with its run, seed, number and digest of items, and the intervals of "
        "train values and gaps as well.",
    ]
