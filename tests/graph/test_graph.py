"""The graph of dvc.yaml on the committed parameters: which stages there are, and what each waits for."""

import configparser
import importlib.util
import re
import subprocess
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo
from project import ROOT

from stages import fingerprints
from vqa.settings.params import Params, load

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # of DVC itself

GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


class Shape:
    """Stages of the project by name, and the graph with edges from a stage to what it waits for."""

    def __init__(self, repo: Repo) -> None:
        # The other scales' stages are named with their file, PATH:NAME.
        self.stages = {stage.addressing: stage for stage in repo.index.graph if ":" not in stage.addressing}
        edges = ((a.addressing, b.addressing) for a, b in repo.index.graph.edges)
        self.graph = nx.DiGraph(edges).subgraph(self.stages)
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
        "fingerprints": 1, "fetch": 6, "prepare": 6, "contact_sheet": 1, "extract": 28, "zero_shot": 8, "initial": 14,
        "train": 104, "evaluate": 104, "regression": 8, "fusion": 4, "landscape": 33, "statistics": 1, "tables": 1,
        "figures": 1, "verdicts": 1, "site": 1, "report": 1,
    }  # fmt: skip


def test_every_key_of_params_has_its_stages(shape, params):
    for stages, keys in {
        ("fetch", "prepare"): params.datasets, ("train", "evaluate"): params.runs, ("extract",): params.extractions,
        ("initial",): params.methods, ("landscape",): params.landscapes, ("regression",): params.regressions,
        ("fusion",): params.shared["fusions"],
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
    around = {f"landscape@{name}" for name in params.landscapes}
    for name in params.landscapes:
        upstream = shape.upstream(f"landscape@{name}")
        assert f"train@{name}" in upstream
        assert not upstream & every, "a landscape needs no evaluation"
    assert around | every <= set(shape.graph.successors("statistics"))
    assert around | {"statistics"} <= set(shape.graph.successors("figures"))
    assert {"tables", "statistics"} <= set(shape.graph.successors("verdicts"))
    for page in ("site", "report"):
        assert {"tables", "figures", "statistics", "verdicts"} <= set(shape.graph.successors(page))
    assert {f"prepare@{name}" for name in params.datasets} <= set(shape.graph.successors("contact_sheet"))


def test_a_training_depends_on_another_only_if_it_starts_from_its_weights(shape, params):
    for name, run in params.runs.items():
        upstream = {stage for stage in shape.upstream(f"train@{name}") if stage.startswith(("train", "evaluate"))}
        # BVQA-2022's features are of a network that another run trains.
        feeding = {"train@Q01-quality-koniq10k"} if run.method == "bvqa2022" else set()
        assert upstream == ({f"train@{run.parent}"} if run.parent else feeding), name
        initial = {stage for stage in shape.upstream(f"train@{name}") if stage.startswith("initial")}
        assert initial == {f"initial@{method}" for method in (run.method, *["quality"] * bool(feeding))}, name


def test_a_training_waits_for_the_features_that_it_reads_alone(shape, params):
    for name, run in params.runs.items():
        extracted = {stage for stage in shape.upstream(f"train@{name}") if stage.startswith("extract")}
        block = params.methods[run.method]
        wanted = {"simplevqa": "slowfast", "pvq": "pvq", "pvq_whole": "pvq", "dsdpro": "dsdpro"}.get(
            run.method, block.get("features")
        )
        assert extracted == ({f"extract@{wanted}-{dataset}" for dataset in run.datasets} if wanted else set()), name


def test_a_training_on_one_data_set_needs_no_other(shape, params):
    """Whoever has KoNViD-1k alone can train on it."""
    for name, run in params.runs.items():
        if run.parent is None and run.data.startswith(("prepared", "features")):
            fetched = {stage for stage in shape.upstream(f"evaluate@{name}") if stage.startswith("fetch")}
            paired = {"fetch@koniq10k"} if run.method == "bvqa2022" else set()
            assert fetched == {f"fetch@{run.train}"} | paired, name


def test_every_stage_depends_on_its_own_fingerprint_and_the_stage_makes_it(shape, params):
    made = {*fingerprints.STAGES, *(f"{s}-{m}" for s in fingerprints.METHOD_STAGES for m in params.methods)}
    made |= {f"extract-{name}" for name in params.extractors}
    used = set()
    for name, stage in shape.stages.items():
        if name == "fingerprints":
            continue
        kind, _, key = name.partition("@")
        method = key if kind == "initial" else getattr(params.runs.get(key), "method", None)
        own = f"{kind}-{method}" if kind in fingerprints.METHOD_STAGES else kind
        own = f"extract-{params.extractions[key].extractor}" if kind == "extract" else own
        paths = [Path(dep.def_path) for dep in stage.deps if dep.def_path.startswith("fingerprints/")]
        deps = {path.stem for path in paths if path.suffix == ".txt"}
        assert deps == {own}, name
        # DVC would parse the YAML of params anew for each stage.
        assert "params.yaml" not in {dep.def_path for dep in stage.deps}, name
        used |= deps
    idle = {method for method in params.methods if method not in {row["method"] for row in params.landscapes.values()}}
    # The demo has no landscape of some methods, nothing that others published, and no data that only are scored.
    unused = {f"landscape-{method}" for method in idle} | {f"transfer-{method}" for method in params.methods}
    unused |= {f"fusion-{method}" for method in params.methods if method != "dover"}
    assert used == made - unused - {"published", "agreement", "outside"}


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
        path, python, option, module, *arguments = stage.cmd.split()
        assert (path, python, option) == ("PYTHONPATH=.:$PYTHONPATH", "python", "-m")
        assert arguments == ([key] if key else [])
        assert module == f"stages.{name.partition('@')[0]}"
        assert importlib.util.find_spec(module) is not None
    long = [path.name for path in (ROOT / "stages").glob("*.py") if len(path.read_text().splitlines()) > 85]
    assert not long, "a stage has at most 85 lines"


def test_dvc_sends_nothing_home():
    config = configparser.ConfigParser()
    config.read_string(re.sub(r"(?m)^\s+", "", (ROOT / ".dvc" / "config").read_text()))
    assert config["core"]["analytics"] == "false"
    assert config["core"]["check_update"] == "false"
