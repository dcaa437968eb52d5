"""``vqa track``: the mirror of the runs in MLflow."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered

EXAMPLE = "Example: `vqa track` and then `mlflow ui --backend-store-uri sqlite:///mlflow.db`, or `make ui` for both"


def track(
    store: Annotated[str, typer.Option(help="MLflow tracking URI")] = "sqlite:///mlflow.db",
    scale: Scale = None,
) -> None:
    """Mirror the runs into MLflow: run.json, curve.csv, predictions.csv and metrics.json of each.

    Files go to mlartifacts/. Runs that are already there are left alone; a second call writes nothing.
    """
    with entered(scale):
        from vqa.settings.params import load
        from vqa.tracking.track import track as mirror

        params = load()
        print(mirror(params.runs, Path("runs"), params.common.scale, store, Path("mlartifacts")))
