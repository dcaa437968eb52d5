"""The folder of the site: every page rendered from its view, beside the figures, one style sheet and one script."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vqa.report.figures.style import COLOURS
from vqa.report.front import not_run
from vqa.report.labels import figure_name
from vqa.report.site.embed import json_script
from vqa.report.site.inputs import Inputs
from vqa.report.site.landscapes import landscapes_view, panels_of
from vqa.report.site.runs import places_in_tables, run_view, runs_list
from vqa.report.site.statistics import statistics_view
from vqa.report.site.tables import SIGNS, tables_view
from vqa.report.site.verdicts import claims_view, counts, verdicts_by_table, words
from vqa.report.tables.cells import PROTOCOLS
from vqa.report.tables.layout import coverage, sources
from vqa.report.wording import interval_definition, protocol_definitions, scale_warning, training_seeds

HERE = Path(__file__).parent
ASSETS = ("style.css", "script.js")
# File, name in the navigation, and what is there.
PAGES = (
    ("index.html", "Overview", "what was rebuilt, and what it says"),
    ("verdicts.html", "Verdicts", "every claim of the paper, and what was found under both protocols"),
    ("tables.html", "Tables", "the paper's tables, each number of ours beside the paper's, with intervals and tests"),
    ("landscapes.html", "Landscapes", "the loss around the trained weights, to read off point by point"),
    ("statistics.html", "Statistics", "selection bonus, sharpness and gap, and what the test sets can detect"),
    ("runs.html", "Runs", "every training: its configuration, curves, predictions and digests"),
)
# Of data of the user's own the paper says nothing.
OWN_PAGES = [
    (file, name, "every row, with intervals and tests" if file == "tables.html" else text)
    for file, name, text in PAGES
    if file != "verdicts.html"
]


def environment() -> Environment:
    """Templates that escape every text and stop at every name that is not there."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters["json_script"] = json_script
    return env


def build_site(inputs: Inputs, out: Path) -> None:
    """Write the whole site to ``out``; what was there before is replaced at the end, in one step."""
    draft, old = (out.with_name(f".{out.name}.{os.getpid()}.{kind}") for kind in ("part", "old"))
    try:
        draft.mkdir(parents=True)
        (draft / "runs").mkdir()
        for name, text in pages(inputs).items():
            (draft / name).write_text(text, encoding="utf-8")
        for name in ASSETS:
            (draft / name).write_bytes((HERE / name).read_bytes())
        (draft / "figures").mkdir()
        for name, path in inputs.figures.items():
            (draft / "figures" / f"{name}.svg").write_bytes(path.read_bytes())
        if out.exists():
            os.replace(out, old)
        os.replace(draft, out)
    finally:
        for folder in (draft, old):
            shutil.rmtree(folder, ignore_errors=True)


def pages(inputs: Inputs) -> dict[str, str]:
    """Text of every page by its path in the site."""
    env, params = environment(), inputs.params
    shared = {
        "pages": OWN_PAGES if params.own else PAGES,
        "own": params.own,
        "colours": COLOURS,
        "signs": SIGNS,
        "percent": {key: f"{100 * params.statistics[key]:g} %" for key in ("level", "power")},
        "protocols": PROTOCOLS,
        "scale": params.common.scale,
        "seeds": training_seeds(params),
        "warning": scale_warning(params.common),
        "definitions": protocol_definitions(params.common),
        "intervals": interval_definition(),
        "figure_name": figure_name,
        "runs_with_pages": frozenset(params.runs),
        "root": "",
    }

    def render(template: str, **values: Any) -> str:
        return env.get_template(template).render({**shared, "page": template, **values})

    order = words(inputs.claims, inputs.verdicts)
    claims, runs = claims_view(inputs), runs_list(inputs)
    claim_counts, cell_counts = (
        [counts(frame, protocol, order) for protocol in PROTOCOLS] for frame in (inputs.claims, inputs.verdicts)
    )
    summary = {"claims": claims, "order": order, "claim_counts": claim_counts, "cell_counts": cell_counts}
    texts = {
        "index.html": render("index.html", **summary, **overview(inputs)),
        "verdicts.html": render("verdicts.html", **summary, by_table=verdicts_by_table(inputs, order)),
        "tables.html": render("tables.html", tables=tables_view(inputs), order=order),
        "landscapes.html": render("landscapes.html", **landscapes_view(inputs)),
        "statistics.html": render("statistics.html", **statistics_view(inputs)),
        "runs.html": render("runs.html", runs=runs),
    }
    places, names = places_in_tables(inputs), list(params.runs)
    for i, name in enumerate(names):
        around = {"before": names[i - 1] if i else None, "after": names[i + 1] if i + 1 < len(names) else None}
        view = run_view(name, inputs, places.get(name, []))
        texts[f"runs/{name}.html"] = render("run.html", **view, **around, root="../")
    return texts


def overview(inputs: Inputs) -> dict[str, Any]:
    """What the first page shows beside the verdicts: figures, data, and what was not run."""
    params = inputs.params
    figures = []
    for stem, block in params.figures.items():
        panels = panels_of(stem, block)
        charts = [name for name, panel in panels if panel.get("kind") == "landscape"]
        view = {"stem": stem, "name": figure_name(stem), "title": block.get("title", ""), "wide": len(panels) > 1}
        figures.append({**view, "chart": charts[0] if charts else ""})
    data = []
    for name, report in inputs.data.items():
        for split, part in report["splits"].items():
            excluded = sum(item["split"] == split for item in report["excluded"])
            mos = f"{part['mos']['min']:.2f} to {part['mos']['max']:.2f}, mean {part['mos']['mean']:.2f}"
            row = [params.datasets[name].title, split, part["items"], excluded, mos, part["items_digest"]]
            data.append(row)
    total: Counter[str] = sum((sources(frame) for frame in inputs.tables.values()), Counter())
    return {
        "figures": figures,
        "data": data,
        "coverage": coverage(total) if total else "no table in params",
        "missing": [line.removeprefix("- ") for line in not_run(inputs.tables, inputs.paper)],
        "n_runs": len(params.runs),
        "n_tables": len(params.tables),
    }
