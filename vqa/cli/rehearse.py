"""``vqa rehearse``: everything that the paper scale does, once, in minutes."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.repro import reproduce_scale
from vqa.cli.scale import entered, project
from vqa.io import InputError

EXAMPLE = "Examples: `vqa rehearse` on a GPU; `vqa rehearse --size demo` anywhere"


# Trainings that share a GPU: a step takes 14 GiB of it at most, and a short one waits mostly for files and compilers.
SHARING = 3


def rehearse(
    folder: Annotated[Path | None, typer.Option("--dir", help="folder to make, in the project: rehearsal")] = None,
    size: Annotated[str, typer.Option(help="paper: the full-size networks; demo: small ones, on a CPU")] = "paper",
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16; default: bf16 where there is a GPU")] = None,
    compiled: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="default: compiled where there is a GPU")
    ] = None,
    jobs: Annotated[int, typer.Option(help="stages at a time; 0: three per GPU, which take 60 GB, else per core")] = 0,
) -> int:
    """Train every method of the paper, plain and with AWP, for some steps on clips that are made; evaluate, measure.

    The stages are those of `vqa repro`, in a scale of its own, which git does not see and which is made anew each time.
    One run is trained twice, to the same bytes. Exit code 1 if a stage fails, a loss is not finite or the twins differ.
    """
    from vqa.bench.rehearsed import ended, wrong
    from vqa.graph.runner import gpus
    from vqa.new.rehearsal import AGAIN, AROUND, NAME, TWIN, rehearsal
    from vqa.settings.common import PRECISIONS
    from vqa.settings.params import load
    from vqa.settings.strict import known_name

    root, devices = project(), gpus()  # not asked of PyTorch, which cannot be forked after it
    if size == "paper" and not devices:
        raise InputError("no GPU is visible; --size demo rehearses on a CPU")
    if jobs < 0:
        raise InputError(f"--jobs: {jobs} is negative")
    precision = precision or ("bf16" if devices else "fp32")
    known_name("--precision", precision, dict.fromkeys(PRECISIONS))
    folder = (folder or root / NAME).resolve()
    rehearsal(root, folder, size, precision, bool(devices) if compiled is None else compiled)
    with entered(str(folder)):
        # The landscape alone at the end: what it differentiates twice takes memory.
        code = reproduce_scale(["evaluate"], jobs or SHARING * len(devices)) or reproduce_scale(["landscape"], 0)
        table = ended(load())
        print(f"\n{table.to_markdown(index=False, floatfmt=('', '.1f', '.1f', '.0f', '.4f', ''))}\n")
        problems = wrong(table, (TWIN, AGAIN), AROUND)
    print("\n".join(problems or [f"{TWIN} and {AGAIN}: the same bytes; all losses are finite"]))
    return code or int(bool(problems))
