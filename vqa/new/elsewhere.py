"""Weights that a new scale scores as they are: those that the project trained on LSVQ, and published ones."""

from pathlib import Path
from typing import Any

from vqa.models.registry import PUBLISHED
from vqa.new.recipe import read_of
from vqa.report.labels import method_title
from vqa.score.network import CHECKPOINTS
from vqa.settings.params import Transfer

# The mixed training set of the field, and the size of AWP that the paper takes for it.
ELSEWHERE, GAMMA = "lsvq", 0.0001


def weights_of_elsewhere(
    methods: tuple[str, ...], name: str, known: dict[str, Any], folder: Path, size: str
) -> tuple[dict[str, tuple[str, Transfer]], dict[str, Any], list[str]]:
    """Weights to score as they are: what the project trained on LSVQ, and published networks whose checksum is stated.

    Returns:
        Rows by name (label and block), blocks of ``methods`` that they need, and what is to be said.
    """
    rows, extra, said = {}, {}, []
    for method in methods:
        title = method_title(method)
        data, test = read_of(method, name), f"{name}/test"
        for run, row in known["runs"].items():
            fitting = row["method"] == method and row["train"] == ELSEWHERE and row["init"].startswith("initial/")
            kind, gamma = row.get("perturbation", "none"), row.get("gamma", 0)
            if (
                fitting
                and (kind == "none" or (kind, gamma) == ("awp", GAMMA))
                and trained_weights(folder, run).is_file()
            ):
                label = f"{title}, trained on {known['datasets'][ELSEWHERE]['title']}" + " with AWP" * (kind == "awp")
                rows[f"zero-shot-{run}"] = label, Transfer(method, f"weights/{run}.safetensors", data, test)
        if size == "paper" and method in CHECKPOINTS:
            entry = CHECKPOINTS[method][0]
            if known["checksums"].get(entry):
                block = f"{method}_published"
                extra[block] = {"module": method, **known["methods"][method], "initial": entry}
                weights = f"initial/{block}.safetensors"
                rows[f"zero-shot-{method}-published"] = f"{title}, published", Transfer(block, weights, data, test)
            else:
                said.append(
                    f"{PUBLISHED[entry].file} is not scored: no checksum of it is published; state the one that you "
                    f"trust in paper/params.yaml: checksums.{entry}"
                )
    if not rows:
        said.append("no weights that were trained elsewhere are there to be scored")
    return rows, extra, said


def trained_weights(folder: Path, run: str) -> Path:
    """File of the averaged weights of a run of the scale in ``folder``."""
    return folder / "runs" / run / "weights" / "last_ema.safetensors"
