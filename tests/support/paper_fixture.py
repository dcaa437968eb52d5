"""The finished project with all thirteen tables of the paper and its 63 trainings, fabricated on small item lists."""

from pathlib import Path
from typing import Any

import yaml
from report_fixture import MAPPED, PAPER, PARAMS, RAW, write_run, write_surroundings

from vqa.report.tables.cells import read_paper, row_key
from vqa.settings.params import Params, load

TITLES = {
    **{"lsvq": "LSVQ", "konvid1k": "KoNViD-1k", "livevqc": "LIVE-VQC", "youtubeugc": "YouTube-UGC"},
    **{"koniq10k": "KonIQ-10k", "spaq": "SPAQ"},
}
FOLDS = (123, 246, 369)
METHODS = {"SimpleVQA": "simplevqa", "FAST-VQA": "fastvqa", "SAMA": "sama"}
AUGMENTATIONS = {"AuA": "autoaugment", "RA": "randaugment", "TA": "trivialaugment"}
ZERO_SHOT = ["lsvq/test", "lsvq/1080p", "konvid1k/all", "livevqc/all"]


def training(method: str, train: str, **other: Any) -> dict[str, Any]:
    """A row of runs: a training on one data set that is tested on the same one."""
    start = {"init": f"initial/{method}.safetensors", "data": f"prepared/{train}"}
    return {"method": method, **start, "train": train, "test": [f"{train}/test"], **other}


def named(gamma: str) -> str:
    """Name of the run on LSVQ with this size of AWP."""
    return f"D-awp-{gamma.replace('.', '_')}"


def sweep(prefix: str, train: str, tables: tuple[str, ...], content: dict[str, dict]) -> None:
    """Tables 2-5 or 10-13: one baseline for all four, one more run for every other setting."""
    runs = content["runs"]
    runs[f"{prefix}01"] = training("fastvqa", train)
    for name, perturbation in zip(tables, ("none", "none", "rwp", "awp"), strict=True):
        rows = {}
        for setting in dict.fromkeys(read_paper(PAPER / f"{name}.csv").setting):
            key, _, value = setting.partition("=")
            if setting in ("weight_decay=0.05", "augmentation=base", "gamma=0"):
                rows[setting] = [f"{prefix}01"]
                continue
            change: dict[str, Any] = {"augmentation": AUGMENTATIONS.get(value, value)}
            if key != "augmentation":
                change = {key: float(value), "perturbation": perturbation}
            rows[setting] = [f"{prefix}{sum(run.startswith(prefix) for run in runs) + 1:02d}"]
            runs[rows[setting][0]] = training("fastvqa", train, **change)
        content["tables"][name] = {"title": f"Sweep of {key}, FAST-VQA on {TITLES[train]}", "rows": rows}


def paper_params() -> dict[str, dict]:
    """Content of ``params.yaml``: the trainings of the paper under the names of their kind (A to F)."""
    content = yaml.safe_load(PARAMS)
    dataset = {"source": "synthetic", "bad_files": "stop", "frame_store": False}
    content["datasets"] = {name: {"title": title, **dataset} for name, title in TITLES.items()}
    content["methods"] = {name: {"weight_decay": 0.05} for name in (*METHODS.values(), "sama_iqa")}
    content |= {"zero_shot": ["lsvq", "konvid1k", "livevqc"], "shared": {"fusions": {}, "agreements": {}}}
    content |= {"runs": {}, "tables": {}, "figures": {}, "landscapes": {}}
    runs, tables = content["runs"], content["tables"]
    awp = {"perturbation": "awp", "gamma": 0.0001}
    zero_shot = {"data": "zero_shot/prepared.json", "test": ZERO_SHOT}
    sweep("A", "konvid1k", ("table02", "table03", "table04", "table05"), content)
    sweep("B", "youtubeugc", ("table10", "table11", "table12", "table13"), content)
    cross: dict[str, list[str]] = {}
    tuned: dict[str, list[str]] = {}
    for label, method in METHODS.items():
        for addition, change in (("", {}), ("+AWP", awp)):
            suffix = addition.replace("+", "-")
            parent = f"D-{method}{suffix}"
            runs[parent] = training(method, "lsvq", **zero_shot, **change)
            cross[label + addition] = [parent]
            for train in ("konvid1k", "livevqc", "youtubeugc"):
                name = f"E-{method}-{train}{suffix}"
                start = change if method == "simplevqa" else {"init": f"runs/{parent}/weights/last.safetensors"}
                runs[name] = training(method, train, **start)
                tuned.setdefault(label + addition, []).append(name)
    for gamma in ("0.01", "0.001", "0.00001"):
        runs[named(gamma)] = training("fastvqa", "lsvq", **zero_shot, perturbation="awp", gamma=float(gamma))
    runs["C-sama"] = training("sama", "konvid1k")
    images: dict[str, list[str]] = {}
    for addition, change in (("", {}), ("+AWP", awp)):
        for train in ("koniq10k", "spaq"):
            name = f"F-{train}{addition.replace('+', '-')}"
            runs[name] = training("sama_iqa", train, **change)
            images.setdefault(f"SAMA{addition}", []).append(name)
    gammas = {f"gamma={gamma}": [named(gamma)] for gamma in ("0.01", "0.001", "0.00001")}
    gammas |= {"gamma=0": ["D-fastvqa"], "gamma=0.0001": ["D-fastvqa-AWP"]}
    gaps = {"SimpleVQA": ["E-simplevqa-konvid1k"], "FAST-VQA": ["A01"], "SAMA": ["C-sama"]}
    tables["table01"] = {"title": "Generalization gap on KoNViD-1k", "rows": gaps}
    tables["table06"] = {"title": "Trained on LSVQ", "rows": cross}
    tables["table07"] = {"title": "Fine-tuned on the target", "rows": tuned}
    tables["table08"] = {"title": "Image quality", "rows": images}
    tables["table09"] = {"title": "AWP gamma, FAST-VQA trained on LSVQ", "rows": gammas}
    for name in ("table06", "table07", "table08"):
        paper = read_paper(PAPER / f"{name}.csv")
        keys = dict.fromkeys(row_key(*row) for row in zip(paper.method, paper.setting, strict=True))
        tables[name]["quoted"] = [key for key in keys if key not in tables[name]["rows"]]
    content["tables"] = {name: tables[name] for name in sorted(tables)}
    content["common"]["bootstrap"] = 50
    return content


def build_paper(folder: Path, train: int = 14, test: int = 12, epochs: int = 2) -> Params:
    """Write the project into ``folder``: training sets of ``train`` items, test sets of about ``test``."""
    (folder / "params.yaml").write_text(yaml.safe_dump(paper_params(), sort_keys=False))
    params = load(folder / "params.yaml")
    splits = {"train": train, "test": test, "1080p": test - 1, "all": test + 2}
    sizes = {f"{name}/{split}": n for name in TITLES for split, n in splits.items()}
    for name, run in params.runs.items():
        reporting = MAPPED if run.method == "simplevqa" else RAW
        folds = FOLDS if run.method == "sama_iqa" else ()
        write_run(folder / "runs" / name, params, name, sizes, epochs, reporting, folds)
    write_surroundings(folder, params)
    return params
