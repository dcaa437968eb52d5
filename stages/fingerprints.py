"""Write what every other stage depends on beside its data: ``python -m stages.fingerprints``.

Reads the code and the blocks of params that many stages share; writes ``fingerprints/<stage>.txt``, and for the stages
that belong to a method ``<stage>-<method>.txt``. A file that did not change by meaning re-runs nothing (see
:mod:`vqa.graph.fingerprints`). Writes all of params as ``params.json`` too, where DVC finds the rows of each stage.
"""

import dataclasses
import shutil
from pathlib import Path

from vqa.extract import extractor_module
from vqa.graph.fingerprints import blocks_of, fingerprint
from vqa.io import atomic, run_stage, write_json
from vqa.landscape.config import read_blocks
from vqa.methods import method_module
from vqa.report.figures.figure import read_figures
from vqa.settings.params import load
from vqa.settings.plain import read_yaml
from vqa.settings.strict import ParamsError, build
from vqa.stats.config import Statistics

BESIDE = ("shared.agreements", "shared.fusions")  # rows whose results are collected beside the tables

# What each stage depends on beside its code: the blocks of params that all its instances share ...
STAGES: dict[str, tuple[str, ...]] = {
    "fetch": (),
    "prepare": (),
    "contact_sheet": ("datasets",),
    "zero_shot": ("zero_shot",),
    "published": (),
    "agreement": (),
    "regression": ("common.seed", "common.bootstrap", "datasets"),
    "outside": ("common.seed", "common.bootstrap"),
    "tables": ("common.scale", "common.seed", "common.bootstrap", "common.released", "datasets", "runs", "tables"),
    "statistics": ("common", "datasets", "runs", "quotable", "tables", "landscapes", "statistics", *BESIDE),
    "figures": ("common", "datasets", "runs", "landscapes", "figures"),
    "verdicts": ("common", "datasets", "runs", "tables", "landscapes", "statistics"),
    "site": ("common", "datasets", "methods", "runs", "tables", "landscape", "landscapes", "statistics", "figures"),
    "report": ("common", "datasets", "methods", "runs", "tables", "statistics", "figures"),
}
# ... and those of the stages that belong to a method, beside the method's own block.
COMPUTING = ("common.seed", "common.device", "common.threads", "common.deterministic")
METHOD_STAGES: dict[str, tuple[str, ...]] = {
    "initial": ("common.seed", "checksums"),
    "train": (*COMPUTING, "common.perturbing", "common.released.draw"),
    "evaluate": (*COMPUTING, "common.released"),
    "fusion": (*COMPUTING, "common.bootstrap"),
    "landscape": (*COMPUTING, "common.perturbing", "landscape"),
    "transfer": (*COMPUTING, "common.bootstrap"),
}


EXTRACT = (*COMPUTING, "checksums")  # those of extractions, beside their extractor's block


def main() -> None:
    """Write all fingerprints anew."""
    params, out = load(), Path("fingerprints")
    # Blocks that the last stages read: a slip is found now, not after hours of training.
    measuring, _ = read_blocks(params)
    read_figures(params)
    at = build(Statistics, params.statistics, "params.yaml: statistics").rise_at
    if at not in measuring.rise_at:
        raise ParamsError(f"params.yaml: statistics.rise_at: {at} is none of landscape.rise_at")
    root, content = Path(params.root), dataclasses.asdict(params)
    texts = {stage: fingerprint(root, [f"stages.{stage}"], blocks_of(content, STAGES[stage])) for stage in STAGES}
    for stage, names in (*METHOD_STAGES.items(), ("extract", EXTRACT)):
        extracting = stage == "extract"
        for name, block in (params.extractors if extracting else params.methods).items():
            module = extractor_module(name, block) if extracting else method_module(name, block)
            shared = {**blocks_of(content, names), "block": block}
            texts[f"{stage}-{name}"] = fingerprint(root, [f"stages.{stage}", module], shared)
    shutil.rmtree(out, ignore_errors=True)
    for name, text in texts.items():
        with atomic(out / f"{name}.txt") as draft:
            draft.write_text(text, encoding="utf-8")
    write_json(out / "params.json", read_yaml(Path("params.yaml")))


if __name__ == "__main__":
    run_stage(main)
