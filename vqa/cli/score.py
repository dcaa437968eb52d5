"""``vqa score``: one score for every video or image."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

if TYPE_CHECKING:
    from vqa.score.scorer import Result, Scorer

EXAMPLE = (
    "Examples: `vqa score clip.mp4 folder/`, "
    "`vqa score --scale paper --checkpoint FAST_VQA_B_1_4.pth --method fastvqa --sha256 ... clip.mp4`"
)


def score(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="a video, an image, or a folder of them")],
    run: Annotated[str | None, typer.Option(help="a run of params.yaml; default: the first trained one")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="published weights, of the sizes in params.yaml")] = None,
    method: Annotated[str | None, typer.Option(help="of the checkpoint: fastvqa, sama, simplevqa, qalign")] = None,
    sha256: Annotated[str | None, typer.Option(help="of it, of a folder its code's, as you vouch for it")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda; default: the one of params.yaml")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON lines with every digit instead of a table")] = False,
    out: Annotated[Path | None, typer.Option(help="write to a file, FILE.part until it is complete")] = None,
    scale: Scale = None,
) -> int:
    """Score videos and images with a trained run or a published checkpoint; a folder stands for all files in it.

    Every file is decoded in full and looked at by the clean protocol, so that a file has one score, that of
    predictions.csv. One line per file:

    - score: raw output of the network; its scale is the training's own, so compare within one run only
    - mos_estimate: the score moved and stretched so that the run's clean predictions of its training items have the
      mean and deviation of their MOS; not for checkpoints and runs that have not been evaluated
    - status: ok; warning: scored, the reason says what was assumed; error: not scored, the reason says why

    Exit code 0 if every file has a score, 1 if some have not, 2 for wrong use.
    """
    if run is not None and checkpoint is not None:
        raise InputError("--run and --checkpoint: one of them scores, not both")
    if (checkpoint is None) != (method is None) or (sha256 and checkpoint is None):
        raise InputError("--checkpoint FILE and --method METHOD go together, and --sha256 is for them alone")
    from vqa.score.files import files_of

    names = [file for given in files for file in files_of(given, partial(print, "note:", file=sys.stderr))]
    with entered(scale) as here:
        name, scorer = _scorer(run, checkpoint and here / checkpoint, method, sha256, device)
        print(f"scores of {name}{'' if scorer.mos_scale else ', without MOS scale'}", file=sys.stderr)

        def result(file: str) -> Result:
            return dataclasses.replace(scorer.score(str(here / file)), file=file)

        results = map(result, tqdm(names, desc="score", unit="file", disable=None))
        return _report(results, names, json, out and here / out)


def _scorer(
    run: str | None, checkpoint: Path | None, method: str | None, sha256: str | None, device: str | None
) -> tuple[str, Scorer]:
    """What scores: its name and the network."""
    from vqa.device import set_up
    from vqa.score.network import CHECKPOINTS, checkpoint_scorer, run_scorer, trained
    from vqa.settings.params import load

    if method not in (None, "qalign", *CHECKPOINTS):
        raise InputError(f"--method: {method!r} is none of {', '.join(CHECKPOINTS)}, qalign")
    if device not in (None, "auto", "cpu", "cuda"):
        raise InputError(f"--device: {device!r} is none of auto, cpu, cuda")
    params = load()
    name = trained(run, params) if checkpoint is None else str(checkpoint)
    where = set_up(dataclasses.replace(params.common, device=device or params.common.device))
    if checkpoint is None or method is None:
        return name, run_scorer(name, params, where)
    if method == "qalign":
        from vqa.score.qalign_network import qalign_scorer

        return name, qalign_scorer(checkpoint, sha256, where)
    return name, checkpoint_scorer(checkpoint, method, sha256, params, where)


def _report(results: Iterator[Result], names: list[str], as_json: bool, out: Path | None) -> int:
    """Print or write the results as they come; the exit code."""
    from vqa.score.files import report, written_to

    with written_to(out) as stream:

        def write(line: str) -> None:
            tqdm.write(line, file=stream)
            stream.flush()  # whoever reads a pipe, or what a killed run has left, sees every line

        failed = report(results, names, as_json, write)
    print(f"{len(names) - failed} of {len(names)} files scored", file=sys.stderr)
    return 1 if failed else 0
