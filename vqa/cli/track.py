"""``vqa track``: the mirror of the runs in MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa.cli.scale import Scale, entered

if TYPE_CHECKING:
    from vqa.settings.params import Params

EXAMPLE = "Example: `vqa track` and then `mlflow ui --backend-store-uri sqlite:///mlflow.db`, or `make ui` for both"


def track(
    store: Annotated[str, typer.Option(help="MLflow tracking URI")] = "sqlite:///mlflow.db",
    live: Annotated[
        bool, typer.Option("--live", help="stream the curves of trainings under way, until Ctrl-C")
    ] = False,
    scale: Scale = None,
) -> None:
    """Mirror runs, tables and figures into MLflow.

    One MLflow run per table, with its cells as metrics, and below it the runs of its rows: settings, curves, metrics
    of both protocols, digests of the data, predictions. Files go to mlartifacts/. What is there already is left alone,
    so that a second call writes nothing; two calls at a time wait for each other.

    --live logs every epoch of the trainings that another shell runs, as soon as it is over. It reads what they leave
    for a resume and touches nothing. The `vqa track` after the build puts the finished runs in their place.
    """
    with entered(scale):
        from vqa.settings.params import load

        params = load()
        if live:
            stream(params, store)
        else:
            from vqa.tracking.track import track as mirror

            print(mirror(params, Path(), store))


def stream(params: "Params", store: str) -> None:
    """Follow the trainings of the scale in the working directory until Ctrl-C."""
    from vqa.tracking.live import Live, follow

    print("waiting for trainings; Ctrl-C ends this, and no training", flush=True)
    try:
        follow(Live(params, Path(), store))
    except KeyboardInterrupt:
        print("stopped; trainings go on, and the next call goes on from here")
