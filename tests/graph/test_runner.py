"""The side-by-side runner on a toy repository with real DVC: the same lock as `dvc repro`, failures kept apart."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from dvc.utils.serialize import _yaml
from project import ROOT
from toy_graph import lock, repository, run, stage, times, write

from vqa.graph import runner
from vqa.graph.dvc_stage import yaml_parsed_once
from vqa.graph.plan import plan


def graph(second: str = "cat source.txt > b.txt", gpu: bool = False) -> dict:
    """``source`` -> a, b -> after_a, after_b -> join; the command of b can be replaced."""
    slot = "echo $CUDA_VISIBLE_DEVICES"
    return {
        "stages": {
            "fingerprints": {"cmd": "echo code > fingerprints.txt", "outs": ["fingerprints.txt"]},
            "source": stage("source", ["fingerprints"], "cat fingerprints.txt > source.txt"),
            "a": stage("a", ["source"], f"{slot} > a.txt" if gpu else "cat source.txt > a.txt", 0.6),
            "b": stage("b", ["source"], f"{slot} > b.txt" if gpu else second, 0.6),
            "after_a": stage("after_a", ["a"], "cat a.txt a.txt > after_a.txt"),
            "after_b": stage("after_b", ["b"], "cat b.txt b.txt > after_b.txt"),
            "join": stage("join", ["after_a", "after_b"], "cat after_a.txt after_b.txt > join.txt"),
        }
    }


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with DVC in it."""
    return repository(tmp_path_factory.mktemp("toy") / "repo")


@pytest.fixture
def toy(empty: Path, tmp_path: Path) -> Path:
    shutil.copytree(empty, tmp_path / "repo")
    shutil.copy(ROOT / "params.yaml", tmp_path / "repo")
    write(tmp_path / "repo", graph())
    return tmp_path / "repo"


def overlap(folder: Path) -> bool:
    (a, a_end), (b, b_end) = times(folder)["a"], times(folder)["b"]
    return max(a, b) < min(a_end, b_end)


@pytest.mark.slow
def test_side_by_side_gives_the_lock_of_dvc_repro_and_then_nothing_is_left(toy, tmp_path):
    serial = tmp_path / "alone" / "repo"
    shutil.copytree(toy, serial)
    assert run(serial, "dvc", "repro", "-q").returncode == 0

    done = run(toy, "vqa.cli", "repro", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 stages reproduced" in done.stdout, "fingerprints come first, outside the count"
    assert lock(toy) == lock(serial)
    assert (toy / "join.txt").read_text() == "code\n" * 4
    assert run(toy, "dvc", "status", "-q").returncode == 0
    assert overlap(toy)
    assert not overlap(serial)

    before = times(toy)
    again = run(toy, "vqa.cli", "repro", "--jobs", "2")
    assert again.returncode == 0
    assert "0 stages reproduced" in again.stdout
    assert times(toy) == before


@pytest.mark.slow
def test_a_failing_stage_blocks_only_what_depends_on_it(toy):
    write(toy, graph(second="echo first words && echo why it failed >&2 && exit 3"))
    done = run(toy, "vqa.cli", "repro", "--jobs", "2")
    assert done.returncode == 1
    assert "failed: b; not started after them: 2" in done.stdout
    assert "b  " in done.stdout
    assert "FAILED, from .state/logs/b.log" in done.stdout
    assert "why it failed" in done.stdout, "the end of the log is printed"
    assert set(times(toy)) == {"source", "a", "b", "after_a"}
    assert (toy / "after_a.txt").exists()
    assert not (toy / "join.txt").exists()

    write(toy, graph())
    (toy.parent / "times.txt").unlink()
    done = run(toy, "vqa.cli", "repro", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(times(toy)) == {"b", "after_b", "join"}, "what succeeded beside the failure is kept"
    assert run(toy, "dvc", "status", "-q").returncode == 0


@pytest.mark.slow
def test_one_job_runs_one_stage_at_a_time(toy):
    done = run(toy, "vqa.cli", "repro", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    spans = sorted(times(toy).values())
    assert len(spans) == 6
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


@pytest.mark.slow
def test_every_running_stage_has_a_gpu_of_its_own_among_the_visible_ones(toy):
    write(toy, graph(gpu=True))
    done = run(toy, "vqa.cli", "repro", CUDA_VISIBLE_DEVICES="2,5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 at a time" in done.stdout
    assert {(toy / name).read_text().strip() for name in ("a.txt", "b.txt")} == {"2", "5"}


@pytest.mark.slow
def test_named_stages_are_reproduced_with_what_they_need_and_nothing_else(toy):
    done = run(toy, "vqa.cli", "repro", "after_a", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(times(toy)) == {"source", "a", "after_a"}
    assert "3 stages reproduced" in done.stdout
    unknown = run(toy, "vqa.cli", "repro", "after_c")
    assert unknown.returncode == 2
    assert unknown.stderr.splitlines()[-1].startswith("error: after_c: no such stage (did you mean after_")


@pytest.mark.parametrize("jobs", ["-1", "-7"])
def test_a_wrong_number_of_jobs_is_refused_in_one_line(tmp_path, jobs):
    done = run(tmp_path, "vqa.cli", "repro", "--jobs", jobs)
    assert done.returncode == 2
    assert done.stderr == f"error: --jobs: {jobs} is negative\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method: fastvqa", "methud: fastvqa", "did you mean 'method'?"),
        ("seed: 42", "seed: [", "not valid YAML"),
        ("seed: 42", "seed: forty-two", "common.seed: must be of type int"),
    ],
)
def test_bad_parameters_end_the_runner_with_one_line(toy, old, new, message):
    shutil.copy(ROOT / "dvc.yaml", toy)
    text = (ROOT / "params.yaml").read_text()
    (toy / "params.yaml").write_text(text.replace(old, new, 1).replace("root: .", f"root: {ROOT}"))
    done = run(toy, "vqa.cli", "repro", "--jobs", "1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("visible", "devices"),
    [
        ("", []),
        ("0", ["0"]),
        ("0,1", ["0", "1"]),
        (" 3 , 4,", ["3", "4"]),
        ("GPU-1a2b,MIG-5e6f", ["GPU-1a2b", "MIG-5e6f"]),
        ("-1", []),
        ("2,-1,3", ["2"]),  # CUDA ignores what follows an index that does not exist
    ],
)
def test_gpus_are_those_that_are_visible(monkeypatch, visible, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert runner.gpus() == devices


def test_gpus_are_counted_by_the_driver_where_nothing_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runner.gpus() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'\necho '  MIG 1g'\necho 'GPU 1: H100 (UUID: GPU-2)'\n")
    tool.chmod(0o755)
    assert runner.gpus() == ["0", "1"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")  # of DVC's own libraries, here in this process
def test_yaml_is_parsed_once_and_changes_are_seen_all_the_same(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = graph()
    for name in ("a", "b", "after_a"):
        content["stages"][name]["params"] = ["common.seed"]
    write(toy, content)
    assert run(toy, "dvc", "repro", "-q").returncode == 0
    monkeypatch.chdir(toy)
    parsed: list[str] = []
    parse = _yaml.parse_yaml

    def counting(text: str, path: str, typ: str = "safe") -> object:
        parsed.append(Path(path).name)
        return parse(text, path, typ)

    monkeypatch.setattr(_yaml, "parse_yaml", counting)
    with yaml_parsed_once():
        assert plan()[1] == []
        assert sorted(parsed) == ["dvc.lock", "dvc.yaml", "params.yaml"]
        params = (toy / "params.yaml").read_text()
        assert params.count("seed: 42") == 1
        (toy / "params.yaml").write_text(params.replace("seed: 42", "seed: 43"))
        assert plan()[1] == ["a", "b", "after_a", "after_b", "join"]
        assert parsed.count("params.yaml") == 2
    assert _yaml.parse_yaml is counting
