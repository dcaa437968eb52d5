"""Write what every other stage depends on beside its data: ``python -m stages.fingerprints``.

Reads the code and the blocks of params that many stages share; writes ``fingerprints/<stage>.txt``, and for the stages
that belong to a method ``<stage>-<method>.txt``. A file that did not change by meaning re-runs nothing (see
:mod:`vqa.fingerprints`).
"""

import dataclasses
import shutil
from pathlib import Path

from vqa.fingerprints import fingerprint
from vqa.io import atomic, run_stage
from vqa.methods import method_module
from vqa.params import load

# What each stage depends on beside its code: blocks of params that whole stages share ...
STAGES: dict[str, tuple[str, ...]] = {
    "fetch": (),
    "prepare": (),
    "contact_sheet": ("datasets",),
    "motion": (),
    "zero_shot": ("zero_shot",),
    "tables": ("common", "datasets", "runs", "tables"),
    "figures": ("common", "datasets"),
    "report": ("common", "datasets", "figures", "methods", "runs", "tables"),
}
# ... and for the stages that belong to a method, entries of params.common beside the method's block.
COMPUTING = ("seed", "device", "threads", "deterministic")
METHOD_STAGES = {
    "initial": ("seed",),
    "train": (*COMPUTING, "perturbing"),
    "evaluate": (*COMPUTING, "released"),
}


def main() -> None:
    """Write all fingerprints anew."""
    params, out = load(), Path("fingerprints")
    root, blocks = Path(params.root), dataclasses.asdict(params)
    texts = {}
    for stage, names in STAGES.items():
        texts[stage] = fingerprint(root, [f"stages.{stage}"], {name: blocks[name] for name in names})
    for stage, entries in METHOD_STAGES.items():
        for method, block in params.methods.items():
            shared = {"common": {name: blocks["common"][name] for name in entries}, "method": block}
            modules = [f"stages.{stage}", method_module(method)]
            texts[f"{stage}-{method}"] = fingerprint(root, modules, shared)
    shutil.rmtree(out, ignore_errors=True)
    for name, text in texts.items():
        with atomic(out / f"{name}.txt") as draft:
            draft.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_stage(main)
