"""The regression gate, by breaking values on purpose: verdicts and exit codes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from report_fixture import build_project, call, edit_metrics

from vqa.cli.app import main
from vqa.tracking.check import MEAN, changed_items, compare, make_baseline

TOLERANCES = {"methods": {"fastvqa": {"srcc": 0.05, "plcc": 0.05}}, "mean test srcc": 0.02}


def edit_baseline(project: Path, edit: Callable[[dict], object]) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    baseline = json.loads(path.read_text())
    edit(baseline)
    path.write_text(json.dumps(baseline))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    build_project(folder)
    assert call(main, folder, "check", "--update") == 0
    edit_baseline(folder, lambda baseline: baseline.update(tolerances=TOLERANCES))
    return folder


@pytest.fixture
def project(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def elsewhere(project: Path) -> Path:
    """A project whose baseline was made on another kind of machine."""
    edit_baseline(project, lambda baseline: baseline.update(environment={"torch": "2.14.1", "machine": "arm64"}))
    return project


def shift(project: Path, run: str, by: float, protocol: str = "clean", key: str = "konvid1k/test") -> None:
    def edit(metrics: dict) -> None:
        metrics[protocol]["scores"][key]["srcc"] += by

    edit_metrics(project, run, edit)


def verdict_of(text: str, run: str, metric: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{run} ") and f" {metric} " in line)
    return line.split()[-1]


def test_same_metrics_pass_and_orphans_do_not_count(project: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(main, project, "check") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("passed: ")
    assert "orphan" not in out


@pytest.mark.parametrize("protocol", ["clean", "released"])
def test_on_the_same_kind_of_machine_the_last_digit_counts(
    project: Path, capsys: pytest.CaptureFixture, protocol: str
) -> None:
    shift(project, "A06", -0.000002, protocol)
    assert call(main, project, "check") == 1
    out = capsys.readouterr().out
    assert verdict_of(out, "A06", f"{protocol} konvid1k/test srcc") == "REGRESSION"
    assert "the same digits" in out.splitlines()[-1]


@pytest.mark.parametrize("protocol", ["clean", "released"])
def test_a_fall_beyond_tolerance_fails(elsewhere: Path, capsys: pytest.CaptureFixture, protocol: str) -> None:
    shift(elsewhere, "A06", -0.06, protocol)
    assert call(main, elsewhere, "check") == 1
    out = capsys.readouterr().out
    assert verdict_of(out, "A06", f"{protocol} konvid1k/test srcc") == "REGRESSION"
    assert out.splitlines()[-1].startswith("FAILED: ")


def test_a_fall_within_tolerance_passes_elsewhere(elsewhere: Path, capsys: pytest.CaptureFixture) -> None:
    shift(elsewhere, "A06", -0.04)
    assert call(main, elsewhere, "check") == 0
    assert "spread over seeds for the 3 runs" in capsys.readouterr().out.splitlines()[-1]


def test_a_method_whose_tolerances_were_not_measured_is_named(elsewhere: Path, capsys: pytest.CaptureFixture) -> None:
    edit_baseline(elsewhere, lambda baseline: baseline["tolerances"].update(methods={}))
    assert call(main, elsewhere, "check") == 2
    err = capsys.readouterr().err
    assert "no tolerances of fastvqa" in err
    assert "--tolerances" in err


def test_a_rise_is_reported_and_passes(project: Path, capsys: pytest.CaptureFixture) -> None:
    shift(project, "A06", 0.2)
    assert call(main, project, "check") == 0
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/test srcc") == "improved"


def test_train_metrics_are_informative(project: Path, capsys: pytest.CaptureFixture) -> None:
    shift(project, "A06", -0.3, key="konvid1k/train")
    assert call(main, project, "check") == 0
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/train srcc") == "changed"


def test_many_small_falls_fail_by_their_mean(elsewhere: Path, capsys: pytest.CaptureFixture) -> None:
    for run in ("A01", "A06", "A15"):
        shift(elsewhere, run, -0.04)
    assert call(main, elsewhere, "check") == 1
    out = capsys.readouterr().out
    assert verdict_of(out, MEAN, "clean mean test srcc") == "REGRESSION"
    assert out.count("REGRESSION") == 2  # the mean's line and the summary


def test_an_undefined_metric_is_a_regression(project: Path) -> None:
    def collapse(metrics: dict) -> None:
        metrics["clean"]["scores"]["konvid1k/test"]["srcc"] = None

    edit_metrics(project, "A06", collapse)
    assert call(main, project, "check") == 1


def test_a_run_that_left_params_is_missing(project: Path, capsys: pytest.CaptureFixture) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    del params["runs"]["A06"], params["tables"]["table03"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    assert call(main, project, "check") == 1
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/test srcc") == "missing"


def test_a_new_run_passes(project: Path, capsys: pytest.CaptureFixture) -> None:
    edit_baseline(project, lambda baseline: baseline["runs"].pop("A15"))
    assert call(main, project, "check") == 0
    assert verdict_of(capsys.readouterr().out, "A15", "clean konvid1k/test srcc") == "new"


def test_changed_items_fail_whatever_the_metrics(project: Path, capsys: pytest.CaptureFixture) -> None:
    def other_items(metrics: dict) -> None:
        metrics["items_digest"]["konvid1k/test"] = "feedfacecafe"

    edit_metrics(project, "A06", other_items)
    assert call(main, project, "check") == 1
    assert "FAILED: items of konvid1k/test changed: baseline" in capsys.readouterr().out
    assert call(main, project, "check", "--update") == 2  # two runs on different items make no baseline
    assert "other items of konvid1k/test" in capsys.readouterr().err


def test_absent_files_are_exit_code_2_with_what_to_do(project: Path, capsys: pytest.CaptureFixture) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    path.write_text("{")
    assert call(main, project, "check") == 2
    assert "not a whole baseline file" in capsys.readouterr().err
    path.unlink()
    assert call(main, project, "check") == 2
    assert "--update" in capsys.readouterr().err
    (project / "runs" / "A01" / "metrics.json").unlink()
    assert call(main, project, "check") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "vqa repro evaluate@A01" in err


def test_update_keeps_tolerances_and_takes_the_new_values(project: Path) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    edit_baseline(project, lambda baseline: baseline["tolerances"].update(seeds=[7, 8, 9]))
    shift(project, "A06", -0.03)
    assert call(main, project, "check") == 1
    assert call(main, project, "check", "--update") == 0
    assert json.loads(path.read_text())["tolerances"] == {**TOLERANCES, "seeds": [7, 8, 9]}
    assert call(main, project, "check") == 0


def test_runs_of_several_environments_make_no_baseline(project: Path, capsys: pytest.CaptureFixture) -> None:
    path = project / "runs" / "A06" / "run.json"
    path.write_text(path.read_text().replace("2.14.1", "2.11.0"))
    assert call(main, project, "check", "--update") == 2
    assert "several environments" in capsys.readouterr().err


def test_baseline_names_every_item_list_once(good: Path) -> None:
    metrics = {run: json.loads((good / "runs" / run / "metrics.json").read_text()) for run in ("A01", "A06")}
    baseline = make_baseline(metrics, {"A01": {"torch": "2"}, "A06": {"torch": "2"}}, "demo", TOLERANCES)
    assert list(baseline["items_digest"]) == ["konvid1k/train", "konvid1k/test", "livevqc/test"]
    assert changed_items(metrics, baseline) == []
    methods = dict.fromkeys(metrics, "fastvqa")
    assert {line.verdict for line in compare(metrics, baseline, methods, elsewhere=[])} == {"ok"}
