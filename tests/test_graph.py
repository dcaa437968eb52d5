"""The graph of dvc.yaml: its shape on the committed parameters, and what an edit re-runs, with DVC itself.

The second part runs the real dvc.yaml on three runs, with stand-ins for the stages that write their outputs at once.
"""

import configparser
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo

from stages import fingerprints
from vqa.params import Params, load
from vqa.runner import plan

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # of DVC itself

ROOT = Path(__file__).parents[1]
GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


class Shape:
    """Stages of the project by name, and the graph with edges from a stage to what it waits for."""

    def __init__(self, repo: Repo) -> None:
        self.stages = {stage.addressing: stage for stage in repo.index.graph}
        self.graph = nx.DiGraph((a.addressing, b.addressing) for a, b in repo.index.graph.edges)
        self.outs = {
            name: [Path(out.fs_path).relative_to(ROOT).as_posix() for out in stage.outs]
            for name, stage in self.stages.items()
        }

    def upstream(self, name: str) -> set[str]:
        return nx.descendants(self.graph, name)


@pytest.fixture(scope="module")
def shape() -> Shape:
    if not (ROOT / ".git").exists():
        pytest.skip("DVC needs the git repository of the project")
    with Repo(str(ROOT)) as repo:
        return Shape(repo)


@pytest.fixture(scope="module")
def params() -> Params:
    return load(ROOT / "params.yaml")


def test_number_of_stages(shape):
    groups = Counter(name.partition("@")[0] for name in shape.stages)
    assert groups == {
        "fingerprints": 1, "fetch": 6, "prepare": 6, "contact_sheet": 1, "train": 16, "evaluate": 16, "tables": 1,
        "figures": 2, "report": 1,
    }  # fmt: skip
    assert len(shape.stages) == 1 + 6 + 6 + 1 + 16 + 16 + 1 + 2 + 1


def test_every_key_of_params_has_its_stages(shape, params):
    for stages, keys in {
        ("fetch", "prepare"): params.datasets, ("train", "evaluate"): params.runs, ("figures",): params.figures,
    }.items():  # fmt: skip
        for stage in stages:
            found = {name.partition("@")[2] for name in shape.stages if name.startswith(f"{stage}@")}
            assert found == set(keys)


def test_data_flows_from_fetch_to_the_report(shape, params):
    for name, run in params.runs.items():
        assert f"train@{name}" in shape.graph.successors(f"evaluate@{name}")
        for stage in (f"train@{name}", f"evaluate@{name}"):
            for dataset in run.datasets:
                assert {f"prepare@{dataset}", f"fetch@{dataset}"} <= shape.upstream(stage), (stage, dataset)
    every = {f"evaluate@{name}" for name in params.runs}
    assert every <= set(shape.graph.successors("tables"))
    assert {"tables", *(f"figures@{name}" for name in params.figures)} <= shape.upstream("report")
    for name, figure in params.figures.items():
        assert f"train@{figure.run}" in shape.graph.successors(f"figures@{name}")
        assert not shape.upstream(f"figures@{name}") & every, "a curve needs no evaluation"
    assert {f"prepare@{name}" for name in params.datasets} <= set(shape.graph.successors("contact_sheet"))


def test_trainings_are_independent_of_each_other(shape, params):
    for name in params.runs:
        upstream = {stage for stage in shape.upstream(f"evaluate@{name}") if stage.startswith(("train", "evaluate"))}
        assert upstream == {f"train@{name}"}


def test_every_stage_depends_on_its_own_fingerprint_and_the_stage_makes_it(shape, params):
    made = {*fingerprints.STAGES, *(f"{s}-{m}" for s in fingerprints.METHOD_STAGES for m in params.methods)}
    used = set()
    for name, stage in shape.stages.items():
        if name == "fingerprints":
            continue
        kind, _, key = name.partition("@")
        own = f"{kind}-{params.runs[key].method}" if kind in fingerprints.METHOD_STAGES else kind
        deps = {Path(dep.def_path).stem for dep in stage.deps if dep.def_path.startswith("fingerprints/")}
        assert deps == {own}, name
        used |= deps
    assert used == made


def test_no_two_stages_share_outputs(shape):
    outs = [out for group in shape.outs.values() for out in group]
    assert len(outs) == len(set(outs))
    assert not [(out, inner) for out in outs for inner in outs if inner.startswith(f"{out}/")]


def test_outputs_are_ignored_by_git_and_never_committed(shape):
    outs = {out for group in shape.outs.values() for out in group}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True, check=True).stdout.split()
    assert not [path for path in tracked if any(path == out or path.startswith(f"{out}/") for out in outs)]
    paths = {out if Path(out).suffix else f"{out}/file" for out in outs}
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *sorted(paths)], cwd=ROOT, text=True, capture_output=True, check=False
    ).stdout.split()
    assert set(ignored) == paths


def test_every_output_is_cached(shape):
    """An output without cache switches DVC's run cache off for its whole stage; metrics and plots may lie in git."""
    for name, stage in shape.stages.items():
        for out in stage.outs:
            assert out.use_cache or out.metric or out.plot, f"{name}: {out}"


def test_commands_are_thin_modules_of_the_project(shape):
    for name, stage in shape.stages.items():
        key = name.partition("@")[2]
        python, option, module, *arguments = stage.cmd.split()
        assert (python, option) == ("python", "-m")
        assert arguments == ([key] if key else [])
        assert module == f"stages.{name.partition('@')[0]}"
        assert importlib.util.find_spec(module) is not None
    long = [path.name for path in (ROOT / "stages").glob("*.py") if len(path.read_text().splitlines()) > 80]
    assert not long, "a stage has at most 80 lines"


def test_dvc_sends_nothing_home():
    config = configparser.ConfigParser()
    config.read_string(re.sub(r"(?m)^\s+", "", (ROOT / ".dvc" / "config").read_text()))
    assert config["core"]["analytics"] == "false"
    assert config["core"]["check_update"] == "false"


# --- what an edit re-runs

STAND_IN = '''
"""Write what dvc.yaml says that this stage writes, made of what params say about it, and note that it ran."""
import json, sys
from pathlib import Path
import yaml

def run(stage):
    key = (sys.argv[1:] or [""])[0]
    params, plan = yaml.safe_load(Path("params.yaml").read_text()), json.loads(Path("stages/outs.json").read_text())
    own = {"train": "runs", "evaluate": "runs"}.get(stage, "")
    text = json.dumps([stage, key, [params[own][key], params["methods"]] if own else None])
    for out in plan[stage]:
        path = Path(out.replace("${key}", key))
        if stage == "fingerprints":
            for name in plan["names"]:
                path.mkdir(exist_ok=True)
                (path / f"{name}.txt").write_text(name + json.dumps(params["methods"] if "-" in name else None))
            continue
        path = path if path.suffix else path / "content.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with Path("ran.txt").open("a") as log:
        log.write(f"{stage}@{key}\\n" if key else f"{stage}\\n")
'''


def outputs(definition: dict) -> list[str]:
    """Paths of outs, metrics and plots of a stage of dvc.yaml, ``${key}`` left in."""
    body = definition.get("do", definition)
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in body.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def reproduce(folder: Path) -> None:
    """`dvc repro` in ``folder``, with this Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("PYTHONPATH", raising=False)
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        with Repo(".") as repo:
            repo.reproduce()


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real dvc.yaml over one data set, three runs, one table and one figure, reproduced once."""
    folder = tmp_path_factory.mktemp("graph") / "project"
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["datasets"] = {name: raw["datasets"][name] for name in ("konvid1k", "spaq")}
    # DVC parses the whole file many times per stage, so what the stand-ins do not look at is left out.
    synthetic = {name: {"kind": "video"} for name in raw["datasets"]}
    raw["methods"] = {name: {"epochs": 12} for name in raw["methods"]}
    raw["runs"] = dict(list(raw["runs"].items())[:3])
    raw["tables"] = {"table02": raw["tables"]["table02"]}
    rows = raw["tables"]["table02"]["rows"]
    raw["tables"]["table02"]["rows"] = {row: run for row, run in rows.items() if run in raw["runs"]}
    raw["figures"] = {"fig1a": raw["figures"]["fig1a"]}
    methods = [f"{stage}-{method}" for stage in fingerprints.METHOD_STAGES for method in raw["methods"]]
    plan_of_outs = {name: outputs(definition) for name, definition in GRAPH.items()}
    plan_of_outs["names"] = [*fingerprints.STAGES, *methods]
    files = {
        "params.yaml": yaml.safe_dump(raw, sort_keys=False),
        "synthetic.yaml": yaml.safe_dump(synthetic, sort_keys=False),
        "stages/__init__.py": STAND_IN,
        "stages/outs.json": json.dumps(plan_of_outs),
        "vqa/__init__.py": "",
        "reports/paper/table02.csv": "the paper's numbers",
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


FIRST, SECOND, THIRD = "A01-fastvqa-konvid1k-base", "A02-fastvqa-konvid1k-wd0", "A03-fastvqa-konvid1k-wd5e-1"
NEW = "A09-fastvqa-konvid1k-rwp1e-2"


def _train_and_evaluate(*names: str) -> set[str]:
    return {f"{stage}@{name}" for stage in ("train", "evaluate") for name in names}


def _remove_run(raw: dict) -> None:
    del raw["runs"][THIRD]
    del raw["tables"]["table02"]["rows"]["weight_decay=0.5"]


def _add_run(raw: dict) -> None:
    raw["runs"][NEW] = {**raw["runs"][SECOND], "perturbation": "rwp", "gamma": 0.01}


EDITS = {
    "a run": (lambda raw: raw["runs"][SECOND].update(gamma=1), _train_and_evaluate(SECOND) | {"tables", "report"}),
    "the run of a figure": (
        lambda raw: raw["runs"][FIRST].update(gamma=1),
        _train_and_evaluate(FIRST) | {"tables", "figures@fig1a", "report"},
    ),
    "a run less": (_remove_run, {"tables", "report"}),
    "a run more": (_add_run, _train_and_evaluate(NEW) | {"tables", "report"}),
    "a method": (
        lambda raw: raw["methods"]["fastvqa"].update(epochs=5),
        _train_and_evaluate(FIRST, SECOND, THIRD) | {"fingerprints", "tables", "figures@fig1a", "report"},
    ),
    "the title of a data set": (
        lambda raw: raw["datasets"]["spaq"].update(title="SPAQ!"),
        {"contact_sheet", "tables", "figures@fig1a", "report"},
    ),
    "the bootstrap": (lambda raw: raw["common"].update(bootstrap=10), {"tables", "report"}),
    "loader workers": (lambda raw: raw["common"].update(loader_workers=2), {"report"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_what_it_can_change_and_nothing_else(project, name):
    change, expected = EDITS[name]
    raw = yaml.safe_load(Path("params.yaml").read_text())
    change(raw)
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    graph, stale = plan()
    assert {stage for stage in graph if stage.startswith(("train", "evaluate"))} == _train_and_evaluate(*raw["runs"])
    if name == "a method":  # only the fingerprints can tell, once they are made, that the data are not concerned
        assert set(stale) > expected
    else:
        assert set(stale) == expected
    reproduce(project)
    assert sorted(Path("ran.txt").read_text().split()) == sorted(expected)
    assert plan()[1] == [], "afterwards everything is up to date"
