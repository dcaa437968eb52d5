"""Score videos and images with a trained run or a published checkpoint: ``python -m stages.score FILE...``.

One line per file, JSON with --json, else a table. A folder stands for all videos and images in it, at any depth. Every
file is decoded in full and looked at by the clean protocol, so that a file has one score, that of predictions.csv.

  score         raw output of the network; its scale is the training's own, so compare within one run only
  mos_estimate  the score moved and stretched so that the run's clean predictions of its training items have the mean
                and deviation of their MOS; not for checkpoints and runs that have not been evaluated
  status        ok; warning: scored, the reason says what was assumed; error: not scored, the reason says why

Exit code: 0 if every file has a score, 1 if some have not, 2 for wrong use.
"""

import argparse
import dataclasses
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tqdm import tqdm

from vqa.device import set_up
from vqa.io import InputError, atomic, run_stage
from vqa.score.files import files_of, report
from vqa.score.network import CHECKPOINTS, checkpoint_scorer, run_scorer, trained
from vqa.settings.params import load


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a video, an image, or a folder of them")
    network = parser.add_mutually_exclusive_group()
    network.add_argument("--run", help="a run of params.yaml; default: the first one that has been trained")
    network.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="published weights, of the sizes in params.yaml"
    )
    parser.add_argument("--method", choices=CHECKPOINTS, help="of the checkpoint")
    parser.add_argument("--sha256", help="of the checkpoint, as you vouch for it; default: checksums of params.yaml")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: the one of params.yaml")
    parser.add_argument("--json", action="store_true", help="JSON lines with every digit instead of a table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to a file, which appears when it is complete")
    return parser.parse_args()


def main() -> int:
    """Score what the command line names; 1 if a file could not be scored."""
    options, params = arguments(), load()
    path, method = options.checkpoint, options.method
    if (path is None) != (method is None) or (options.sha256 and path is None):
        raise InputError("--checkpoint FILE and --method METHOD go together, and --sha256 is for them alone")
    name = trained(options.run, params) if path is None else str(path)
    device = set_up(dataclasses.replace(params.common, device=options.device or params.common.device))
    scorer = (
        checkpoint_scorer(path, method, options.sha256, params, device) if path else run_scorer(name, params, device)
    )
    print(f"scores of {name}{'' if scorer.mos_scale else ', without MOS scale'}", file=sys.stderr)
    files = [file for given in options.files for file in files_of(given)]
    results = map(scorer.score, tqdm(files, desc="score", unit="file", disable=None))
    with ExitStack() as stack:
        target = stack.enter_context(atomic(options.out)) if options.out else None
        out = stack.enter_context(target.open("w", encoding="utf-8")) if target else sys.stdout
        failed = report(results, options.json, partial(tqdm.write, file=out))
    print(f"{len(files) - failed} of {len(files)} files scored", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run_stage(main)
