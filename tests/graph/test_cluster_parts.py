"""The parts of a cluster, each in this process: driver, worker, hub and engines, and the runner that uses them."""

import io
import json
import multiprocessing
import shutil
import signal
import sys
import types
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from project import ROOT
from toy_graph import lock, repository, run, stage, write

from vqa.graph import runner
from vqa.graph.cluster import engines, hub, worker
from vqa.graph.cluster.away import Away
from vqa.graph.cluster.driver import Driver
from vqa.graph.cluster.travel import code_digest
from vqa.graph.dvc_stage import entry_path, record_entries
from vqa.graph.family import end_descendants
from vqa.graph.turn import turn
from vqa.io import InputError
from vqa.settings.cluster import Cluster, Provider

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of DVC's own libraries


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``fingerprints`` -> ``source`` -> train@a, train@b -> ``join``; one stands in it."""
    folder = repository(tmp_path / "repo")
    shutil.copy(ROOT / "params.yaml", folder)
    stages = {
        "fingerprints": {"cmd": "mkdir fingerprints && echo code > fingerprints/a.txt", "outs": ["fingerprints"]},
        "source": stage("source", [], "cp fingerprints/a.txt source.txt") | {"deps": ["fingerprints/a.txt"]},
        "train": {
            "foreach": ["a", "b"],
            "do": {"cmd": "cp source.txt ${item}.txt", "deps": ["source.txt"], "outs": ["${item}.txt"]},
        },
        "join": stage("join", ["a", "b"], "cat a.txt b.txt > join.txt"),
    }
    write(folder, {"stages": stages})
    monkeypatch.chdir(folder)
    before = signal.getsignal(signal.SIGTERM)
    yield folder
    signal.signal(signal.SIGTERM, before)


def cluster_in(folder: Path, **options: int) -> Cluster:
    return Cluster(str(folder / "remote"), str(folder / "scratch"), **options)


class Here:
    """A hub whose only worker is this process."""

    def __init__(self) -> None:
        self.tasks: list[dict] = []

    def ask(self, task: dict) -> dict:
        self.tasks.append(task)
        answers = io.StringIO()
        worker._serve(Path(task["scratch"]), io.StringIO(json.dumps(task) + "\n"), answers)
        return {"host": "here", **json.loads(answers.getvalue())}


def test_a_command_goes_away_and_its_outputs_come_back(toy, tmp_path):
    assert run(toy, "dvc", "repro", "-q", "source").returncode == 0
    here = Here()
    driver = Driver(cluster_in(tmp_path), here, code_digest(ROOT), ".", toy)
    assert driver.reproduce("train@a", ["fingerprints", "source"], Path("fingerprints/a.txt")) == 0
    assert Path("a.txt").read_text() == "code\n"
    (task,) = here.tasks
    assert sorted(task["entries"]) == ["fingerprints", "source"]
    record_entries()
    assert lock(toy)["stages"]["train@a"]["outs"][0]["path"] == "a.txt"
    # The second finds what it needs in the remote and in the worker's folder.
    assert driver.reproduce("train@b", ["fingerprints", "source"], None) == 0
    assert entry_path("train@b").is_file()
    assert len({path.parent for path in (tmp_path / "scratch").glob("*/.claim")}) == 1


def test_what_was_made_from_other_inputs_is_refused(toy, tmp_path, capfd):
    assert run(toy, "dvc", "repro", "-q", "source").returncode == 0

    class Wrong(Here):
        def ask(self, task: dict) -> dict:
            answer = super().ask(task)
            answer["entry"]["train@a"]["deps"][0]["md5"] = "0" * 32
            return answer

    driver = Driver(cluster_in(tmp_path), Wrong(), code_digest(ROOT), ".", toy)
    assert driver.reproduce("train@a", ["fingerprints", "source"], None) == 1
    assert "here made it from other deps than are here" in capfd.readouterr().err
    assert not entry_path("train@a").is_file()


def test_a_hub_that_is_gone_is_one_line(toy, tmp_path, capfd):
    assert run(toy, "dvc", "repro", "-q", "source").returncode == 0
    driver = Driver(cluster_in(tmp_path), hub.Address(str(tmp_path / "none"), b"key"), "", ".", toy)
    assert driver.reproduce("train@a", ["fingerprints", "source"], None) == 1
    assert "error: the engine ended" in capfd.readouterr().err


def test_the_runner_builds_here_and_on_a_cluster_alike(toy, tmp_path, capsys):
    assert not runner.reproduce(2, []).failed
    alone = lock(toy)
    for name in ("a.txt", "b.txt", "join.txt", "source.txt", "dvc.lock"):
        Path(name).unlink()
    shutil.rmtree(".dvc/cache")
    outcome = runner.reproduce(2, [], (), lambda: Away("threads", cluster_in(tmp_path, workers=2), toy))
    assert not outcome.failed
    assert sorted(outcome.seconds) == ["join", "source", "train@a", "train@b"]
    assert lock(toy) == alone
    lines = capsys.readouterr().out.splitlines()
    assert sum(" s on " in line for line in lines) == 2


def test_a_failure_is_told_with_the_end_of_its_log(toy, capsys):
    text = Path("dvc.yaml").read_text().replace("cp source.txt ${item}.txt", "cp source.text ${item}.txt")
    Path("dvc.yaml").write_text(text)
    outcome = runner.reproduce(1, [])
    assert outcome.failed == ["train@a", "train@b"]
    assert outcome.skipped == ["join"]
    assert "FAILED, from .state/logs/train@a.log" in capsys.readouterr().out


class WorkerLost(Exception):  # noqa: N818, as Parsl names it
    pass


class Fails(engines.Engine):
    """An engine whose first answers are errors."""

    def __init__(self, *errors: Exception | str) -> None:
        self.errors = list(errors)

    def submit(self, task: engines.Task) -> "Future[engines.Task]":
        future: Future[engines.Task] = Future()
        error = self.errors.pop(0) if self.errors else None
        if isinstance(error, Exception):
            future.set_exception(error)
        else:
            future.set_result({"lost": error} if error else {"code": 0, "host": "far"})
        return future


def test_losses_are_made_good_until_there_are_too_many():
    told: list[hub.Event] = []
    task = {"stage": "train@a"}
    engine = Fails(WorkerLost("gone. And much more"), "ended with -9")
    assert hub._until_done(task, engine, 2, told.append) == {"code": 0, "host": "far"}
    assert [event.text for event in told] == [
        "lost its worker (gone), attempt 2",
        "lost its worker (ended with -9), attempt 3",
    ]
    answer = hub._until_done(task, Fails("a", "b"), 1, told.append)
    assert (answer["code"], answer["log"]) == (1, "error: lost its worker 2 times; the last time: b\n")
    answer = hub._until_done(task, Fails(ValueError("no\nsuch option")), 5, told.append)
    assert answer["log"] == "error: the engine gave up: ValueError: no such option\n"


def test_a_task_is_carried_and_told_of():
    told: list[hub.Event] = []
    one, other = multiprocessing.Pipe()
    one.send({"stage": "train@a"})
    hub._carry(other, Fails(), 0, told.append)
    assert one.recv() == {"code": 0, "host": "far"}
    assert told == [hub.Event("done", "train@a", numbers=(0.0, 0.0), host="far")]


def test_only_losses_are_losses():
    assert engines.is_loss(WorkerLost())
    assert not engines.is_loss(ValueError("WorkerLost"))


def test_an_engine_that_is_not_installed_says_how(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "parsl", None)
    with pytest.raises(InputError, match="--engine parsl: parsl is not installed: `pip install"):
        engines.start("parsl", cluster_in(tmp_path), tmp_path)


def test_providers_get_their_options_by_name(monkeypatch):
    asked: dict[str, dict] = {}
    names = {"LocalProvider": "local", "SlurmProvider": "slurm", "PBSProProvider": "pbs", "KubernetesProvider": "k8s"}
    made = {
        name: partial(lambda short, **options: asked.update({short: options}), short) for name, short in names.items()
    }
    fake = types.ModuleType("parsl")
    fake.providers = types.SimpleNamespace(**made)
    monkeypatch.setitem(sys.modules, "parsl", fake)
    engines._provider(Provider(worker_init="module load"), 3)
    engines._provider(Provider("slurm", walltime="01:00:00", options={"partition": "gpu"}), 4)
    engines._provider(Provider("kubernetes", options={"persistent_volumes": [["claim", "/data"]]}), 5)
    assert asked["local"] == {
        "worker_init": "module load", "max_blocks": 3, "nodes_per_block": 1, "init_blocks": 3, "min_blocks": 3
    }  # fmt: skip
    slurm = asked["slurm"]
    assert (slurm["walltime"], slurm["partition"], slurm["init_blocks"]) == ("01:00:00", "gpu", 1)
    assert asked["k8s"]["persistent_volumes"] == [("claim", "/data")]
    assert "walltime" not in asked["k8s"]


def test_what_was_started_is_ended_with_all_that_it_started():
    import subprocess

    import psutil

    shell = subprocess.Popen(["bash", "-c", "trap '' TERM; sleep 100 & wait"])
    family = [psutil.Process(shell.pid)]
    while not (children := family[0].children()):
        pass
    end_descendants(patience=0.3)
    assert not any(each.is_running() and each.status() != "zombie" for each in [*family, *children])


def test_a_folder_is_held_by_one_and_given_back(tmp_path):
    with turn(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().startswith("process ")
    with turn(tmp_path / "lock"):
        pass
