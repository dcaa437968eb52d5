"""Write what every other stage depends on beside its data: ``python -m stages.fingerprints``.

Reads the code and ``params.methods``; writes ``fingerprints/<stage>.txt``, and ``train-<method>.txt`` and
``evaluate-<method>.txt``, which also hold the method's block of params. A file that did not change by meaning re-runs
nothing (see :mod:`vqa.fingerprints`).
"""

import shutil
from pathlib import Path

from vqa.fingerprints import fingerprint
from vqa.io import atomic, run_stage
from vqa.methods import method_module
from vqa.params import load

STAGES = ("fetch", "prepare", "contact_sheet", "tables", "figures", "report")
METHOD_STAGES = ("train", "evaluate")


def main() -> None:
    """Write all fingerprints anew."""
    params, out = load(), Path("fingerprints")
    root = Path(params.root)
    texts = {stage: fingerprint(root, [f"stages.{stage}"], None) for stage in STAGES}
    for stage in METHOD_STAGES:
        for method, block in params.methods.items():
            modules = [f"stages.{stage}", method_module(method)]
            texts[f"{stage}-{method}"] = fingerprint(root, modules, block)
    shutil.rmtree(out, ignore_errors=True)
    for name, text in texts.items():
        with atomic(out / f"{name}.txt") as draft:
            draft.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_stage(main)
