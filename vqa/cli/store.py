"""``vqa store``: the store of clips, which trainings read in place of videos."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

if TYPE_CHECKING:
    from vqa.training.scratch import Scratch

EXAMPLE = "Examples: `vqa store plan --scale paper`, `vqa store`, `vqa store drop lsvq`"


class What(StrEnum):
    """What to do."""

    LIST = "list"
    PLAN = "plan"
    DROP = "drop"


def store(
    what: Annotated[What, typer.Argument(help="list what is there; plan what a scale needs; drop some")] = What.LIST,
    names: Annotated[list[str] | None, typer.Argument(help="with drop: keys of stores, data sets, or all")] = None,
    scale: Scale = None,
) -> int:
    """Clips that trainings have cut, kept in $VQA_SCRATCH: what there is, what a scale needs, and how to be rid of it.

    A training that finds $VQA_SCRATCH set, a folder on a fast disk, decodes every video once for all its epochs, and
    later ones that look at the same clips decode nothing. Results are the same without. $VQA_SCRATCH_GIB is the most
    that it may take; unset, a twentieth of the disk stays free.
    """
    if names and what is not What.DROP:
        raise InputError(f"store {what}: takes no names; `vqa store drop {names[0]}` does")
    if what is What.PLAN:
        with entered(scale):
            return _plan()
    return _drop(names or []) if what is What.DROP else _list()


def _plan() -> int:
    from vqa.bench.stores import plan
    from vqa.settings.params import load

    params = load()
    table, without = plan(params)
    if table.empty:
        print(f"scale {params.common.scale}: no store; its data sets have frame stores, or no files at all")
        return 0
    print(table.to_markdown(index=False, floatfmt=".1f"))
    total = table.sum(numeric_only=True)
    print(
        f"\nin all {total.GB / 1000:.1f} TB and {total['core-hours']:.0f} core-hours, in place of {total.without:.0f} "
        f"without stores; made and dropped row by row, about {table.GB.max() / 1000:.1f} TB are enough"
    )
    if without:
        print(f"without a store: {', '.join(without)} (features beside frames, or no frames)")
    return 0


def _list() -> int:
    import pandas as pd

    from vqa.training.store import about_of

    scratch, rows = _scratch(), []
    for folder in sorted(scratch.folder.glob("*/")):
        known, files = about_of(folder), list(folder.glob("*.clips"))
        if known or files:
            said = {name: known.get(name, "?") for name in ("data", "method", "phase", "seed")}
            said |= {"epochs": len(known.get("epochs", ())), "code": str(known.get("code", "?"))[:6]}
            size = sum(path.stat().st_size for path in files) / 1e9
            rows.append({"store": folder.name, **said, "items": len(files), "GB": size})
    if not rows:
        print(f"{scratch.folder}: no stores")
        return 0
    table = pd.DataFrame(rows)
    print(table.to_markdown(index=False, floatfmt=".2f"))
    used = scratch.recount()
    print(f"\n{used / 1e9:.2f} GB in {scratch.folder}; room for {max(0, scratch.free()) / 1e9:.2f} GB more")
    return 0


def _drop(names: list[str]) -> int:
    from vqa.training.store import about_of

    scratch, dropped = _scratch(), 0
    if not names:
        raise InputError("store drop: say what: keys of stores as `vqa store` lists them, data sets, or all")
    known = {folder: about_of(folder).get("data") for folder in scratch.folder.glob("*/")}
    for name in names:
        chosen = [folder for folder, data in known.items() if name in (folder.name, data, "all")]
        if not chosen:
            raise InputError(f"store drop: {name}: no store of that key or data set; `vqa store` lists them")
        for folder in chosen:
            if folder.is_dir():
                scratch.remove(folder)
                dropped += 1
    print(f"{dropped} stores dropped")
    return 0


def _scratch() -> "Scratch":
    from vqa.training.scratch import FOLDER, Scratch

    if scratch := Scratch.from_environment():
        return scratch
    raise InputError(f"{FOLDER} is not set: no store is used")
