"""The stages as DVC calls them, end to end on a scale of eighteen tiny videos: outputs, exit codes, messages."""

import csv
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import ROOT
from safetensors.torch import load_file

from stages import fingerprints
from vqa.io import file_digest, run_stage
from vqa.report.verdicts.rules import VERDICTS
from vqa.training.predictions import CLEAN, RELEASED

RUN, TUNED, TRANSFER = "A13-tiny-awp", "E01-tiny-tuned", "Z01-tiny"
SEQUENCE = (
    *(("fetch", "konvid1k"), ("prepare", "konvid1k"), ("contact_sheet",), ("extract", "slowfast-konvid1k")),
    *(("zero_shot", "slowfast"), ("initial", "fastvqa"), ("train", RUN), ("evaluate", RUN), ("train", TUNED)),
    *(
        ("evaluate", TUNED),
        ("landscape", RUN),
        ("landscape", TUNED),
        ("tables",),
        ("statistics",),
        ("figures",),
        ("verdicts",),
        ("site",),
        ("report",),
        ("fingerprints",),
        ("transfer", TRANSFER),
    ),
)

PARAMS = """
root: ../root
common:
  {scale: tiny, seed: 3, device: cpu, threads: 1, loader_workers: 0, deterministic: true, bootstrap: 20,
   released: {weights: ema, train_epoch: last}, perturbing: {tensors: released, projection: box, fine_tuning: none}}
datasets:
  konvid1k: {title: KoNViD-1k, source: synthetic, bad_files: stop, frame_store: true}
checksums: {}
extractors:
  slowfast:
    clips: 2
    initial: seed
    network: {width: 2, fast_width: 1, depths: [1, 1, 1, 1], alpha: 4, frames: 8, input_size: 32}
extractions:
  slowfast-konvid1k: {extractor: slowfast, dataset: konvid1k, reads: data/konvid1k}
zero_shot: [konvid1k]
shared: {zero_shot: {slowfast: features/slowfast}, fusions: {}, agreements: {}}
methods:
  fastvqa:
    initial: seed
    patch_embedding: whitened
    finetune: {frozen_epochs: 1, epochs: 1}
    backbone: {width: 8, depths: [1, 1], heads: [2, 2], window: [2, 2, 2], patch: [1, 4, 4], input_size: [2, 32, 32],
      mlp_ratio: 2.0, drop_path: 0.1, gated: true}
    sampling:
      train: &random
        temporal: {frames: 2, interval: 4, clips: 1, offset: random, past_end: wrap}
        fragments: {grid: [2, 2], patch: [16, 16], aligned: 2, offset: random, small_grid: stale, small_values: float}
      released: *random
      clean:
        temporal: {frames: 2, interval: 4, clips: 2, offset: centre, past_end: wrap}
        fragments: {grid: [2, 2], patch: [16, 16], aligned: 2, offset: centre, small_grid: stale, small_values: float}
    <<: {epochs: 2, batch_size: 6, backbone_lr: 0.003, head_lr: 0.003, weight_decay: 0.05, warmup_epochs: 0.5,
      rank_weight: 0.3, ema_decay: 0.5, head_hidden: 8, head_dropout: 0.2, init_std: 0.1}
runs:
  A13-tiny-awp:
    {method: fastvqa, init: initial/fastvqa.safetensors, data: prepared/konvid1k, train: konvid1k,
     test: [konvid1k/test], augmentation: trivialaugment, perturbation: awp, gamma: 0.01, keep_epochs: [1]}
  E01-tiny-tuned:
    {method: fastvqa, init: runs/A13-tiny-awp/weights/last_ema.safetensors, data: prepared/konvid1k, train: konvid1k,
     test: [konvid1k/test], partition: {seeds: [42, 7, 8], train_share: 0.7}}
tables:
  table05: {title: Adversarial weight perturbation, rows: {gamma=0.01: [A13-tiny-awp], gamma=0: [E01-tiny-tuned]}}
landscape:
  curve: {points: 5, span: [-1, 1], directions: 2}
  <<: {batches: 1, rise_at: [0.5, 1.0], curvature_step: 0.05, surface_points: 3}
  worst: {gamma: 0.01, steps: 2}
  eigenvalue: {tolerance: 0.1, max_iterations: 5, batches: 0}
landscapes:
  A13-tiny-awp: {method: fastvqa, data: prepared/konvid1k, weights: [last_ema, epoch_1_raw], surface: true}
  E01-tiny-tuned: {method: fastvqa, data: prepared/konvid1k, weights: [last_ema]}
transfers:
  Z01-tiny:
    {method: fastvqa, weights: runs/A13-tiny-awp/weights/last_ema.safetensors, data: prepared/konvid1k,
     test: konvid1k/test}
statistics: {level: 0.05, power: 0.8, margin: 0.02, agreement: 0.02, sharpness_margin: 0.05, rise_at: 0.5}
figures:
  fig1a: {kind: curves, run: A13-tiny-awp, metric: srcc, title: FAST-VQA on KoNViD-1k}
"""

SYNTHETIC = """
konvid1k:
  kind: video
  splits: {train: 12, test: 6}
  mos_scale: [1, 5]
  frames: [10, 14]
  fps: [25]
  sizes: {64x48: 1, 48x64: 1}
  codecs: {h264: 1}
  content: {texture: 1}
  degradations: {defocus: {probability: 0.8, strength: [0.0, 1.0]}, compression: {probability: 1, strength: [0, 1]}}
  raters: {number: 5, bias_sd: 0.1, noise_sd: 0.2}
"""

# Python runs this file at its start: at the end of each stage it notes which modules of the project were imported.
SITE = """
import atexit, os, sys
def note():
    names = [name for name in sys.modules if name.split(".")[0] in ("vqa", "stages")]
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if main is not None and main.name.startswith("stages."):
        with open(os.path.join(os.path.dirname(__file__), main.name + ".txt"), "a") as out:
            out.write("\\n".join([main.name, *names]) + "\\n")
atexit.register(note)
"""

# Runs stages, one line each, in forks of one process that has imported what all of them need.
WARM = """
import sys
from pathlib import Path
from vqa.graph.warm import WarmProcess, preload
for fingerprint in Path(sys.argv[1]).iterdir():
    preload(fingerprint)
for line in sys.argv[2:]:
    process = WarmProcess()
    code = process.run("PYTHONPATH=../root:$PYTHONPATH python -m stages." + line)
    assert code == 0, (line, code)
"""


def run(folder: Path, stage: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run a stage as DVC does, from the folder of the scale."""
    return _python(folder, f"stages.{stage}", *arguments)


def vqa(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command of a person from there."""
    return _python(folder, "vqa.cli", *arguments)


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", *arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{folder.parent / 'site'}{os.pathsep}{ROOT}"}
    return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)


def make_scale(parent: Path) -> Path:
    """The folder of a scale; its root has the code and the paper's numbers, and baselines of its own."""
    for folder in ("root/reports", "scale", "site"):
        (parent / folder).mkdir(parents=True)
    for name in ("vqa", "stages", "reports/paper", "reports/claims.yaml", "reports/court.csv"):
        (parent / "root" / name).symlink_to(ROOT / name)
    (parent / "scale" / "params.yaml").write_text(PARAMS)
    (parent / "scale" / "sources.yaml").write_text(SYNTHETIC)
    (parent / "site" / "sitecustomize.py").write_text(SITE)
    return parent / "scale"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scale in which every stage has run once."""
    folder = make_scale(tmp_path_factory.mktemp("stages"))
    for stage in SEQUENCE:
        done = run(folder, *stage)
        assert done.returncode == 0, f"{' '.join(stage)}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    for option in (["--update"], []):
        done = vqa(folder, "check", *option)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def scale(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished scale to be spoilt."""
    shutil.copytree(finished.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "scale"


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable:
    """Run a stage in this process, in a scale where nothing has been made yet; torch is loaded here already."""
    monkeypatch.chdir(make_scale(tmp_path))

    def call(stage: str, *arguments: str) -> subprocess.CompletedProcess:
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        with pytest.raises(SystemExit) as stop:
            run_stage(importlib.import_module(f"stages.{stage}").main)
        return subprocess.CompletedProcess(stage, stop.value.code, *capfd.readouterr())

    return call


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def refused(done: subprocess.CompletedProcess) -> str:
    """The message of a stage that must have ended with exit code 2 and one line on stderr."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


pytestmark = pytest.mark.slow


def test_a_run_leaves_the_files_of_the_contract(finished):
    out = finished / "runs" / RUN
    names = {"metrics.json", "curve.csv", "predictions.csv", "run.json", "epoch_predictions.csv", "weights"}
    assert {path.name for path in out.iterdir()} == names
    assert {"last_ema.safetensors", "epoch_1_ema.safetensors"} <= {path.name for path in (out / "weights").iterdir()}
    assert not list((finished / ".state").glob("*")), "the state of a finished run is gone"

    record = json.loads((out / "run.json").read_text())
    assert (record["run"], record["scale"], record["seed"]) == (RUN, "tiny", 3)
    assert record["config"]["recipe"]["weight_decay"] == 0.05
    assert record["config"]["run"]["gamma"] == 0.01
    assert set(record["data"]) == {"konvid1k/train", "konvid1k/test"}
    assert {"torch", "python", "device", "threads"} <= set(record["environment"])
    assert record["config"]["run"]["partition"] is None
    curve = rows(out / "curve.csv")
    assert [row["epoch"] for row in curve] == ["1", "2"]
    assert {"loss", "train_srcc", "train_plcc", "test_srcc_ema", "test_plcc_ema", "test_srcc_raw"} <= set(curve[0])


def test_predictions_hold_every_item_under_both_protocols(finished):
    clean, released = (pd.read_csv(finished / "runs" / RUN / name) for name in (CLEAN, RELEASED))
    assert (set(clean.protocol), set(released.protocol)) == ({"clean"}, {"released"})
    table = pd.concat([clean, released])
    assert list(table.columns)[:6] == ["dataset", "item", "mos", "prediction", "epoch", "weights"]
    counts = table.groupby(["protocol", "split", "weights", "epoch"]).size().to_dict()
    expected = {("clean", "train", "ema", 2): 12, ("clean", "test", "ema", 2): 6}
    for epoch in (1, 2):
        expected[("released", "train", "on-the-fly", epoch)] = 12
        expected |= {("released", "test", weights, epoch): 6 for weights in ("ema", "raw")}
    assert counts == expected
    assert table.prediction.notna().all()
    labels = pd.read_csv(finished / "data" / "konvid1k" / "labels.csv").set_index("name")
    assert (labels.mos[table.item].to_numpy() == table.mos).all()
    assert (labels.split[table.item].to_numpy() == table.split).all()


def test_a_run_with_several_cuts_has_one_training_for_each_and_their_mean(finished):
    out = finished / "runs" / TUNED
    metrics = json.loads((out / "metrics.json").read_text())
    assert list(metrics["folds"]) == ["42", "7", "8"]
    for protocol in ("released", "clean"):
        for split in ("train", "test"):
            key = f"konvid1k/{split}"
            values = [fold[protocol]["scores"][key]["srcc"] for fold in metrics["folds"].values()]
            assert metrics[protocol]["scores"][key]["srcc"] == pytest.approx(sum(values) / 3, abs=1e-15)
            assert metrics[protocol]["scores"][key]["n"] == {"train": 12, "test": 6}[split]
    digests = [fold["items_digest"]["konvid1k/test"] for fold in metrics["folds"].values()]
    assert len({*digests, metrics["items_digest"]["konvid1k/test"]}) == 4
    predictions = pd.read_csv(out / "predictions.csv")
    tested = {fold: set(part[part.split == "test"].item) for fold, part in predictions.groupby("fold")}
    assert sorted(tested) == [7, 8, 42]
    assert all(len(items) == 6 for items in tested.values())
    assert {path.name for path in (out / "weights").iterdir()} == {"42", "7", "8"}
    assert {row["fold"] for row in rows(out / "curve.csv")} == {"7", "8", "42"}
    assert set(json.loads((out / "run.json").read_text())["data"]) == {
        f"konvid1k/{split}@{seed}" for split in ("train", "test") for seed in (42, 7, 8)
    }


def test_fine_tuning_starts_from_the_weights_of_the_other_run(finished):
    """The first epochs move the head alone, so that the backbone of raw weights is where the parent ended."""
    start = load_file(finished / "runs" / RUN / "weights" / "last_ema.safetensors")
    end = load_file(finished / "runs" / TUNED / "weights" / "42" / "last_raw.safetensors")
    assert start.keys() == end.keys()
    assert all(bool((start[key] != end[key]).any()) for key in start if key.endswith("fc_hid.weight"))
    shapes = {key: (start[key] - end[key]).abs().max().item() for key in start if "qkv.weight" in key}
    assert all(0 < moved < 0.1 for moved in shapes.values()), "the backbone moved on from there, a little"


def test_weights_that_are_only_scored_give_what_the_run_that_made_them_got(finished):
    own, scored = (pd.read_csv(finished / "runs" / name / CLEAN) for name in (RUN, TRANSFER))
    clean = own[(own.protocol == "clean") & (own.split == "test")].reset_index(drop=True)
    assert scored.groupby("protocol").size().to_dict() == {"clean": 6, "released": 6}
    found = scored[scored.protocol == "clean"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="epoch"), clean.drop(columns="epoch"))
    metrics = json.loads((finished / "runs" / RUN / "metrics.json").read_text())
    results = pd.read_csv(finished / "runs" / TRANSFER / "results.csv").set_index(["protocol", "metric"])
    for metric in ("SRCC", "PLCC"):
        value = metrics["clean"]["scores"]["konvid1k/test"][metric.lower()]
        assert results.value["clean", metric] == pytest.approx(value)
    assert set(results.source) == {"trained"}
    assert set(results.items_digest) == {metrics["items_digest"]["konvid1k/test"]}


def test_motion_features_follow_the_item_list_and_are_named_for_zero_shot_runs(finished):
    folder = finished / "features" / "slowfast" / "konvid1k"
    features = np.load(folder / "features.npy")
    assert np.load(folder / "lengths.npy").tolist() == [2] * 18
    assert features.shape == (18, 2, 16 * 4 + 8 * 4)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert len(np.unique(features[:, 0], axis=0)) == 18, "no two videos move alike"
    items = finished / "prepared" / "konvid1k" / "items.csv"
    assert (folder / "items.csv").read_bytes() == items.read_bytes()
    named = json.loads((finished / "zero_shot" / "slowfast.json").read_text())
    assert named == {
        "konvid1k": {
            "items.csv": file_digest(items),
            "features.npy": file_digest(folder / "features.npy"),
            "lengths.npy": file_digest(folder / "lengths.npy"),
        }
    }


def test_metrics_agree_with_the_item_lists(finished):
    metrics = json.loads((finished / "runs" / RUN / "metrics.json").read_text())
    report = json.loads((finished / "prepared" / "konvid1k" / "report.json").read_text())
    assert (report["listed"], report["usable"], report["excluded"]) == (18, 18, [])
    for split, number in (("train", 12), ("test", 6)):
        assert metrics["items_digest"][f"konvid1k/{split}"] == report["splits"][split]["items_digest"]
        for protocol in ("released", "clean"):
            assert metrics[protocol]["scores"][f"konvid1k/{split}"]["n"] == number
    scores, gap = metrics["clean"]["scores"], metrics["clean"]["gap"]["konvid1k/test"]
    assert gap["srcc"] == scores["konvid1k/train"]["srcc"] - scores["konvid1k/test"]["srcc"]


def test_table_figure_page_and_contact_sheet_are_made(finished):
    reports = finished / "reports"
    for name in ("contact_sheet.png", "figures/fig1a.png"):
        assert (reports / name).read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (reports / "tables").iterdir()} == {f"table05.{s}" for s in ("csv", "md", "tex")}
    assert (reports / "figures" / "fig1a.svg").read_text().lstrip().startswith("<?xml")
    assert len(rows(reports / "figures" / "fig1a.csv")) > 0
    table = rows(reports / "tables" / "table05.csv")
    sources = {(row["setting"], row["source"]) for row in table}
    assert ("gamma=0.01", "trained") in sources
    assert ("gamma=0", "trained") in sources
    assert {source for setting, source in sources if setting not in ("gamma=0.01", "gamma=0")} == {"missing"}
    page = (reports / "README.md").read_text()
    assert "tables/table05.md" in page
    assert "figures/fig1a.png" in page


def test_landscapes_statistics_verdicts_and_site_are_made(finished):
    assert {path.name for path in (finished / "landscapes" / RUN).iterdir()} == {
        *("curve.csv", "sharpness.csv", "surface.csv", "landscape.json")
    }
    assert json.loads((finished / "landscapes" / TUNED / "landscape.json").read_text())["trainings"] == [42, 7, 8]
    points = rows(finished / "reports" / "statistics" / "sharpness_points.csv")
    trainings = [(point["run"], point["cut"]) for point in points]
    assert trainings == [(RUN, "0"), (TUNED, "42"), (TUNED, "7"), (TUNED, "8")]
    verdicts = {row["verdict"] for row in rows(finished / "reports" / "claims.csv")}
    assert verdicts <= set(VERDICTS)
    assert "not run" in verdicts, "of thirteen tables there is one"
    assert (finished / "reports" / "verdicts.md").read_text().startswith("# Verdicts")
    assert (finished / "reports" / "site" / "index.html").is_file()


def test_fingerprints_cover_every_module_that_the_stages_imported(finished):
    """What really was in memory when each stage ended, imports inside of functions included."""
    for stage in (*fingerprints.STAGES, *fingerprints.METHOD_STAGES):
        if stage in ("published", "regression", "outside", "fusion", "agreement"):  # of which this scale has none
            continue
        loaded = set((finished.parent / "site" / f"stages.{stage}.txt").read_text().split())
        name = f"{stage}-fastvqa" if stage in fingerprints.METHOD_STAGES else stage
        lines = (finished / "fingerprints" / f"{name}.txt").read_text().splitlines()
        covered = {line.split()[1] for line in lines if not line.startswith(("{", "null"))}
        assert {"vqa", "vqa.settings.params", f"stages.{stage}"} <= loaded
        assert loaded <= covered, f"{stage}: {sorted(loaded - covered)}"


def test_everything_made_anew_in_warm_processes_has_the_same_bytes(finished, tmp_path):
    again = make_scale(tmp_path)
    lines = [" ".join(stage) for stage in SEQUENCE]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WARM, str(finished / "fingerprints"), *lines]
    done = subprocess.run(command, cwd=again, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for folder in (
        "data",
        "prepared",
        "features",
        "zero_shot",
        "initial",
        "runs",
        "landscapes",
        "reports",
        "fingerprints",
    ):
        names = [path.relative_to(finished) for path in (finished / folder).rglob("*") if path.is_file()]
        assert sorted(path.relative_to(again) for path in (again / folder).rglob("*") if path.is_file()) == sorted(
            names
        )
        for name in names:
            assert (again / name).read_bytes() == (finished / name).read_bytes(), name


def test_tolerances_are_measured_over_other_seeds_and_kept(scale):
    path = scale.parent / "root" / "reports" / "baselines" / "tiny.json"
    before = json.loads(path.read_text())
    assert before["tolerances"] == {}
    assert "--seeds: 2" in refused(vqa(scale, "check", "--tolerances", "--seeds", "2"))
    done = vqa(scale, "check", "--tolerances", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    tolerances = json.loads(path.read_text())["tolerances"]
    assert tolerances["seeds"] == [4, 5, 6]
    assert set(tolerances["methods"]) == {"fastvqa"}
    metrics = json.loads((scale / ".state" / "tolerances" / "runs" / RUN / "metrics.json").read_text())
    values = [fold["clean"]["scores"]["konvid1k/test"]["srcc"] for fold in metrics["folds"].values()]
    farthest = max(abs(value - np.mean(values)) for value in values)
    assert farthest - 1e-4 <= tolerances["methods"]["fastvqa"]["srcc"] < 2, "of both protocols, the larger"
    assert vqa(scale, "check", "--update").returncode == 0
    assert json.loads(path.read_text()) == {**before, "tolerances": tolerances}


def test_evaluation_without_weights_and_check_without_baseline_say_what_is_missing(scale):
    (scale.parent / "root" / "reports" / "baselines" / "tiny.json").unlink()
    assert "tiny.json" in refused(vqa(scale, "check"))
    shutil.rmtree(scale / "runs")
    assert f"train@{RUN}" in refused(run(scale, "evaluate", RUN))


def test_check_fails_on_a_fallen_metric(scale):
    path = scale / "runs" / RUN / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["clean"]["scores"]["konvid1k/test"]["srcc"] -= 0.5
    path.write_text(json.dumps(metrics))
    done = vqa(scale, "check")
    assert done.returncode == 1
    assert "REGRESSION" in done.stdout
    assert done.stderr == ""


def test_a_truncated_video_is_named_and_can_be_excluded(scale):
    name = rows(scale / "data" / "konvid1k" / "labels.csv")[0]["name"]
    video = scale / "data" / "konvid1k" / name
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 6 // 10])
    shutil.rmtree(scale / "prepared")
    message = refused(run(scale, "prepare", "konvid1k"))
    assert name in message
    assert "bad_files: exclude" in message
    assert not (scale / "prepared" / "konvid1k" / "items.csv").exists()
    assert "konvid1k" in refused(run(scale, "train", RUN)), "nothing trains on half a preparation"

    (scale / "params.yaml").write_text(PARAMS.replace("bad_files: stop", "bad_files: exclude"))
    done = run(scale, "prepare", "konvid1k")
    assert done.returncode == 0, done.stderr
    assert "17 of 18 items usable, 1 excluded" in done.stdout
    (excluded,) = rows(scale / "prepared" / "konvid1k" / "excluded.csv")
    assert excluded["name"] == name
    assert excluded["reason"]
    report = json.loads((scale / "prepared" / "konvid1k" / "report.json").read_text())
    assert (report["listed"], report["usable"], len(report["excluded"])) == (18, 17, 1)
    assert name not in {row["name"] for row in rows(scale / "prepared" / "konvid1k" / "items.csv")}


@pytest.mark.parametrize(
    ("stage", "argument", "hint"),
    [
        ("train", "A13-tiny-aw", f"runs: 'A13-tiny-aw' is not defined (did you mean '{RUN}'?)"),
        ("evaluate", "A13-tiny-aw", f"runs: 'A13-tiny-aw' is not defined (did you mean '{RUN}'?)"),
        ("fetch", "konvid", "datasets: 'konvid' is not defined (did you mean 'konvid1k'?)"),
        ("landscape", "A13-tiny-aw", f"landscapes: 'A13-tiny-aw' is not defined (did you mean '{RUN}'?)"),
        ("figures", "fig1", "figures: 'fig1' is not defined (did you mean 'fig1a'?)"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(quick, stage, argument, hint):
    assert refused(quick(stage, argument)) == f"error: params.yaml: {hint}"


@pytest.mark.parametrize(
    ("stage", "needs"),
    [
        (("prepare", "konvid1k"), "fetch the data set first"),
        (("extract", "slowfast-konvid1k"), "run the prepare stage of konvid1k first"),
        (("train", RUN), "run the prepare stage of konvid1k first"),
        (("tables",), "dvc repro evaluate@"),
        (("landscape", RUN), "run the prepare stage of konvid1k first"),
        (("statistics",), "dvc repro evaluate@"),
        (("figures", "fig1a"), "dvc repro train@"),
        (("verdicts",), "dvc repro "),
        (("site",), "dvc repro "),
        (("report",), "table"),
    ],
)
def test_a_stage_too_early_says_what_is_missing(quick, stage, needs):
    assert needs in refused(quick(*stage))
