"""What an edit re-runs, with DVC itself: the real dvc.yaml over a few runs, with stand-ins for the stages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from project import ROOT

from stages import fingerprints
from vqa.graph.plan import plan
from vqa.graph.why import why
from vqa.io import InputError

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # of DVC itself

GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

STAND_IN = '''
"""Write what dvc.yaml says that this stage writes, made of what the real one depends on, and note that it ran."""
import json, sys
from functools import reduce
from pathlib import Path
import yaml

def run(stage):
    key = (sys.argv[1:] or [""])[0]
    params, plan = yaml.safe_load(Path("params.yaml").read_text()), json.loads(Path("stages/plan.json").read_text())
    if stage == "fingerprints":
        Path("fingerprints").mkdir(exist_ok=True)
        for name, blocks in plan["fingerprints"].items():
            found = [reduce(dict.__getitem__, block.split("."), params) for block in blocks]
            Path(f"fingerprints/{name}.txt").write_text(json.dumps([name, found]))
        Path("fingerprints/params.json").write_text(json.dumps(params))
    content = [stage, key]
    if stage == "train":
        run = params["runs"][key]
        start = Path(run["init"])
        start = start if start.suffix else start / "last_ema.safetensors"
        content += [run, params["methods"][run["method"]], start.read_text()]
    if stage == "evaluate":
        content += [Path(f"runs/{key}/weights/last_ema.safetensors").read_text()]
    for out in plan["outs"][stage] if stage != "fingerprints" else []:
        for name, value in params["extractions"][key].items() if stage == "extract" else []:
            out = out.replace("${item." + name + "}", value)
        path = Path(out.replace("${key}", key).replace("${item}", key))
        path = path if path.suffix else path / "last_ema.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    with Path("ran.txt").open("a") as log:
        log.write(f"{stage}@{key}\\n" if key else f"{stage}\\n")
'''


def outputs(definition: dict) -> list[str]:
    """Paths of outs, metrics and plots of a stage of dvc.yaml, ``${key}`` left in."""
    body = definition.get("do", definition)
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in body.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def reproduce(folder: Path, *targets: str) -> None:
    """`dvc repro` in ``folder``, with this Python; of single stages alone if any are named."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("PYTHONPATH", raising=False)
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        with Repo(".") as repo:
            repo.reproduce(targets, single_item=bool(targets))


FIRST, SECOND = "A01-fastvqa-konvid1k-base", "A02-fastvqa-konvid1k-wd0"
PLAIN, PERTURBED = "D03-fastvqa-lsvq-base", "D04-fastvqa-lsvq-awp1e-4"
TUNED, OTHER = "E01-fastvqa-konvid1k-tuned", "E02-fastvqa-konvid1k-tuned-awp"
NEW = "A09-fastvqa-konvid1k-rwp1e-2"
RUNS = (FIRST, SECOND, PLAIN, PERTURBED, TUNED, OTHER)


def small_params() -> dict:
    """The committed parameters with six runs, one table and one figure, without what the stand-ins do not look at."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name in ("youtubeugc", "koniq10k"):
        del raw["datasets"][name]
    raw["extractors"] = {"slowfast": raw["extractors"]["slowfast"]}
    raw["extractions"] = {key: row for key, row in raw["extractions"].items() if row["dataset"] in raw["zero_shot"]}
    raw["extractions"] = {key: row for key, row in raw["extractions"].items() if row["extractor"] == "slowfast"}
    raw["regressions"] = {}
    raw |= {
        "shared": {
            **{"epochs": ["epoch 1"], "fusions": {}, "agreements": {}},
            "zero_shot": {"prepared": "prepared", "slowfast": "features/slowfast"},
        },
        "methods": {"fastvqa": {"epochs": 12}},
    }
    raw["runs"] = {name: raw["runs"][name] for name in RUNS}
    rows = {"weight_decay=0": [SECOND], "weight_decay=0.05": [FIRST]}
    raw["tables"] = {"table02": {"title": "Weight decay", "rows": rows}}
    raw["figures"] = {"fig1a": raw["figures"]["fig1a"]}
    raw["landscapes"] = {FIRST: {**raw["landscapes"][FIRST], "weights": ["last_ema"]}}
    return raw


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real dvc.yaml over :func:`small_params`, reproduced once."""
    folder = tmp_path_factory.mktemp("graph") / "project"
    raw = small_params()
    blocks = dict(fingerprints.STAGES)
    for stage, names in fingerprints.METHOD_STAGES.items():
        blocks[f"{stage}-fastvqa"] = (*names, "methods.fastvqa")
    blocks["extract-slowfast"] = (*fingerprints.EXTRACT, "extractors.slowfast")
    outs = {name: outputs(definition) for name, definition in GRAPH.items()}
    files = {
        "params.yaml": yaml.safe_dump(raw, sort_keys=False),
        "sources.yaml": yaml.safe_dump({name: {"kind": "video"} for name in raw["datasets"]}, sort_keys=False),
        "stages/__init__.py": STAND_IN,
        "stages/plan.json": json.dumps({"outs": outs, "fingerprints": blocks}),
        "vqa/__init__.py": "",
        "reports/paper/table02.csv": "the paper's numbers",
        "reports/claims.yaml": "the paper's claims",
        "reports/court.csv": "how often verdicts err",
        **{f"vqa/report/site/{name}": "the looks" for name in ("script.js", "style.css", "templates/page.html")},
        **{f"stages/{name}.py": f"from stages import run\n\nrun({name!r})\n" for name in GRAPH},
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(ROOT / "dvc.yaml", folder)
    shutil.copy(ROOT / ".dvcignore", folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    Repo.init(str(folder)).close()
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    reproduce(folder)
    return folder


@pytest.fixture
def project(reproduced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(reproduced, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    Path("ran.txt").unlink()
    return tmp_path / "project"


def _train_and_evaluate(*names: str) -> set[str]:
    return {f"{stage}@{name}" for stage in ("train", "evaluate") for name in names}


def _remove_run(raw: dict) -> None:
    del raw["runs"][SECOND]
    del raw["tables"]["table02"]["rows"]["weight_decay=0"]


def _add_run(raw: dict) -> None:
    raw["runs"][NEW] = {**raw["runs"][FIRST], "perturbation": "rwp", "gamma": 0.01}


PAGES = {"tables", "statistics", "figures", "verdicts", "site", "report"}
EDITS = {
    "a run": (lambda raw: raw["runs"][SECOND].update(gamma=1), _train_and_evaluate(SECOND) | PAGES),
    "a run with a landscape": (
        lambda raw: raw["runs"][FIRST].update(gamma=1),
        _train_and_evaluate(FIRST) | PAGES | {f"landscape@{FIRST}"},
    ),
    "a run that another starts from": (
        lambda raw: raw["runs"][PLAIN].update(gamma=1),
        _train_and_evaluate(PLAIN, TUNED) | PAGES,
    ),
    "a fine-tuning": (lambda raw: raw["runs"][OTHER].update(weight_decay=1), _train_and_evaluate(OTHER) | PAGES),
    "a run less": (_remove_run, PAGES),
    "a run more": (_add_run, _train_and_evaluate(NEW) | PAGES),
    "a method": (
        lambda raw: raw["methods"]["fastvqa"].update(epochs=5),
        _train_and_evaluate(*RUNS) | PAGES | {"initial@fastvqa", f"landscape@{FIRST}"},
    ),
    "the title of a data set": (
        lambda raw: raw["datasets"]["spaq"].update(title="SPAQ!"),
        PAGES | {"contact_sheet"},
    ),
    "the bootstrap": (lambda raw: raw["common"].update(bootstrap=10), PAGES),
    "loader workers": (lambda raw: raw["common"].update(loader_workers=2), PAGES - {"tables"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_what_it_can_change_and_nothing_else(project, name):
    change, expected = EDITS[name]
    raw = yaml.safe_load(Path("params.yaml").read_text())
    change(raw)
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    reproduce(project, "fingerprints")
    graph, stale, _ = plan()
    assert {stage for stage in graph if stage.startswith(("train", "evaluate"))} == _train_and_evaluate(*raw["runs"])
    assert set(stale) == expected
    reproduce(project)
    assert sorted(Path("ran.txt").read_text().split()) == sorted({*expected, "fingerprints"})
    assert plan()[1] == [], "afterwards everything is up to date"


def test_why_names_the_value_the_file_and_the_stage_upstream(project):
    raw = yaml.safe_load(Path("params.yaml").read_text())
    raw["runs"][SECOND]["gamma"] = 1
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    Path(f"runs/{FIRST}/metrics.json").unlink()
    reproduce(project, "fingerprints")
    value = f"runs.{SECOND}.gamma is new: 1"
    trained = why([f"train@{SECOND}", f"train@{FIRST}", "prepare", f"evaluate@{FIRST}"])
    assert trained == {
        f"train@{SECOND}": [value],
        f"train@{FIRST}": [],
        **{f"prepare@{name}": [] for name in raw["datasets"]},
        f"evaluate@{FIRST}": [f"runs/{FIRST}/metrics.json is missing"],
    }
    (evaluated,) = why([f"evaluate@{SECOND}"]).values()
    assert evaluated == [value, f"train@{SECOND} would: {value}"]
    (tables,) = why(["tables"]).values()
    assert tables[-1].startswith(f"train@{SECOND} would, and 2 more that it needs: {value}")
    assert all(str(1) in text for text in tables[:-1]), "only the fingerprint's change, not the folder of runs"
    assert not any(text.startswith("runs ") for text in tables), "which is made anew by what it waits for"
    with pytest.raises(InputError, match="no such stage"):
        why(["tabels"])
