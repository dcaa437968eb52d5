"""Stages on workers, with real processes and real DVC: the lock of `dvc repro`, losses made good, nothing left over."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import yaml
from toy_graph import environment, lock, repository, run, stage, write

from vqa.graph.cluster import worker
from vqa.graph.cluster.travel import code_digest
from vqa.settings.cluster import Cluster, Provider, load_cluster
from vqa.settings.strict import ParamsError

needs_parsl = pytest.mark.skipif(not find_spec("parsl"), reason="needs requirements-cluster.lock: `make cluster`")
needs_ray = pytest.mark.skipif(not find_spec("ray"), reason="needs requirements-cluster.lock: `make cluster`")
ENGINES = ["threads", pytest.param("parsl", marks=needs_parsl)]


def graph(command: str = "cat source.txt > runs/${key}.txt") -> dict:
    """``fingerprints`` -> ``source`` -> trainings a to d, two of them evaluated -> ``join``, which stays here."""
    note = 'echo "$$ ${key}" >> "$NOTES" && mkdir -p runs'
    return {
        "stages": {
            "fingerprints": {
                "cmd": "mkdir fingerprints && echo code > fingerprints/a.txt",
                "outs": ["fingerprints"],
            },
            "source": stage("source", [], "cat fingerprints/a.txt > source.txt") | {"deps": ["fingerprints"]},
            "train": {
                "foreach": ["a", "b", "c", "d"],
                "do": {
                    "cmd": f"{note.replace('key', 'item')} && {command.replace('key', 'item')}",
                    "deps": ["source.txt"],
                    "outs": ["runs/${item}.txt"],
                },
            },
            "evaluate": {
                "foreach": ["a", "b"],
                "do": {
                    "cmd": "cp runs/${item}.txt runs/${item}.score",
                    "deps": ["runs/${item}.txt"],
                    "outs": ["runs/${item}.score"],
                },
            },
            "join": stage("join", [], "cat runs/*.score runs/c.txt runs/d.txt > join.txt")
            | {"deps": ["runs/a.score", "runs/b.score", "runs/c.txt", "runs/d.txt"]},
        }
    }


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "repo")
    shutil.copy(Path(__file__).parents[2] / "params.yaml", folder)
    write(folder, graph())
    (tmp_path / "cluster.yaml").write_text("remote: remote\nscratch: scratch\nworkers: 2\nheartbeat: 1\n")
    return folder


def build(toy: Path, engine: str) -> subprocess.CompletedProcess:
    return run(toy, "vqa.cli", "repro", "--engine", engine, "--cluster", "../cluster.yaml", NOTES=str(toy / "../notes"))


@pytest.fixture
def building(toy: Path) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Starts a build that may be killed."""
    started: list[subprocess.Popen] = []

    def start(engine: str) -> subprocess.Popen:
        command = ["vqa.cli", "repro", "--engine", engine, "--cluster", "../cluster.yaml"]
        env = environment(NOTES=str(toy / "../notes"), VQA_TOY=str(toy))
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=toy,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def runs_of(toy: Path) -> list[str]:
    """Names of the trainings whose command began, in that order."""
    notes = toy / "../notes"
    return [line.split()[1] for line in notes.read_text().splitlines()] if notes.is_file() else []


def awaited(condition: Callable[[], object], seconds: float = 90) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def of_the_build(toy: Path) -> list[psutil.Process]:
    """All processes with the mark of this test in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("VQA_TOY") == str(toy) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def named(toy: Path, text: str) -> list[psutil.Process]:
    found = []
    for process in of_the_build(toy):
        try:
            if text in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def nothing_left(toy: Path) -> bool:
    return not of_the_build(toy)


@pytest.mark.cluster
@pytest.mark.parametrize("engine", ENGINES)
def test_workers_give_the_lock_of_dvc_repro_and_then_nothing_is_left_to_do(toy, tmp_path, engine):
    serial = tmp_path / "alone" / "repo"
    shutil.copytree(toy, serial)
    assert run(serial, "dvc", "repro", "-q", NOTES="/dev/null").returncode == 0
    done = build(toy, engine)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " s on " in next(line for line in done.stdout.splitlines() if "train@a" in line)
    assert lock(toy) == lock(serial)
    assert list(lock(toy)["stages"]) == sorted(lock(toy)["stages"])
    assert (toy / "join.txt").read_text() == "code\n" * 4
    assert run(toy, "dvc", "status", "-q").returncode == 0
    assert sorted(runs_of(toy)) == ["a", "b", "c", "d"]
    assert "0 stages reproduced" in build(toy, engine).stdout
    assert len(runs_of(toy)) == 4


@pytest.mark.cluster
def test_a_stage_that_fails_is_not_tried_again_and_stops_only_what_needs_it(toy):
    write(toy, graph("test ${key} != b && cat source.txt > runs/${key}.txt || { echo why it failed >&2; exit 3; }"))
    done = build(toy, "threads")
    assert done.returncode == 1
    assert "failed: train@b; not started after them: 2" in done.stdout
    assert "why it failed" in done.stdout
    assert runs_of(toy).count("b") == 1
    assert (toy / "runs" / "a.score").is_file()
    write(toy, graph())
    assert build(toy, "threads").returncode == 0
    assert (toy / "join.txt").read_text() == "code\n" * 4


@pytest.mark.cluster
@pytest.mark.parametrize("engine", ENGINES)
def test_a_stage_whose_worker_is_killed_runs_on_another_one(toy, building, engine):
    write(toy, graph("sleep 2 && cat source.txt > runs/${key}.txt"))
    process = building(engine)
    awaited(lambda: len(runs_of(toy)) >= 2)
    runs_stages = named(toy, "cluster.worker")[0]
    victim = runs_stages if engine == "threads" else runs_stages.parent()
    victim.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    assert "lost its worker" in out
    assert "attempt 2" in out
    assert (toy / "join.txt").read_text() == "code\n" * 4
    assert run(toy, "dvc", "status", "-q").returncode == 0
    awaited(lambda: nothing_left(toy), 10)


@needs_parsl
@pytest.mark.cluster
def test_a_killed_node_leaves_no_process_and_its_stage_runs_again(toy, building):
    write(toy, graph("sleep 3 && cat source.txt > runs/${key}.txt"))
    process = building("parsl")
    awaited(lambda: len(runs_of(toy)) >= 2)
    manager = next(p for p in named(toy, "process_worker_pool.py") if "bash" not in p.cmdline()[0])
    before = {p.pid for p in manager.children(recursive=True)}
    manager.send_signal(signal.SIGKILL)
    awaited(lambda: not [p for p in named(toy, "cluster.worker") if p.pid in before], 5)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    assert "loss of manager" in out
    assert (toy / "join.txt").read_text() == "code\n" * 4
    awaited(lambda: nothing_left(toy), 10)


@pytest.mark.cluster
@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_driver_leaves_no_process_and_the_next_one_runs_what_is_missing(toy, building, engine):
    write(toy, graph("sleep 1 && cat source.txt > runs/${key}.txt"))
    process = building(engine)
    awaited(lambda: len(runs_of(toy)) >= 3)
    process.kill()
    process.communicate()
    awaited(lambda: nothing_left(toy), 30)
    finished = {path.stem for path in (toy / ".state" / "lock").glob("train@*.json")}
    assert finished, "two were done before the third began"
    before = runs_of(toy)
    done = build(toy, "threads")
    assert done.returncode == 0, done.stdout + done.stderr
    again = runs_of(toy)[len(before) :]
    assert not finished & {f"train@{name}" for name in again}
    assert run(toy, "dvc", "status", "-q").returncode == 0


@pytest.mark.cluster
def test_a_remote_that_is_away_is_one_line_and_the_next_build_goes_on(toy, tmp_path):
    (tmp_path / "remote").write_text("a file, where a folder should be")
    done = build(toy, "threads")
    assert done.returncode == 1
    failed = [line.strip() for line in done.stdout.splitlines() if "the remote takes nothing" in line]
    assert failed
    assert "Traceback" not in done.stdout + done.stderr
    (tmp_path / "remote").unlink()
    assert build(toy, "threads").returncode == 0
    # What the remote has lost since is pushed again, after one failure that says so.
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(tmp_path / "scratch")
    write(toy, graph("cat source.txt source.txt > runs/${key}.txt"))
    done = build(toy, "threads")
    assert done.returncode == 1
    assert ": cannot be had from the remote" in done.stdout
    assert build(toy, "threads").returncode == 0


@pytest.mark.cluster
def test_a_full_scratch_is_one_line_and_the_next_build_goes_on(toy, tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        (tmp_path / "cluster.yaml").write_text("remote: remote\nscratch: small\nworkers: 2\n")
        write(toy, graph("head -c 2000000 /dev/zero > runs/${key}.txt"))
        done = build(toy, "threads")
        assert done.returncode == 1
        assert "No space left on device" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        (tmp_path / "cluster.yaml").write_text("remote: remote\nscratch: scratch\nworkers: 2\n")
        assert build(toy, "threads").returncode == 0
    finally:
        subprocess.run(["umount", place], check=True)


def task_of(scratch: Path, code: str) -> dict:
    return {"stage": "train@a", "code": code, "scratch": str(scratch), "environment": {}, "orphans_end": False}


def test_a_worker_with_other_code_is_refused(tmp_path, capfd):
    (tmp_path / "one").mkdir()
    shutil.copytree(worker.ROOT / "vqa" / "graph", tmp_path / "one" / "vqa")
    first = code_digest(tmp_path / "one")
    (tmp_path / "one" / "vqa" / "plan.py").write_text("# other\n")
    assert code_digest(tmp_path / "one") != first
    answer = worker.run_task(task_of(tmp_path, first))
    assert answer["code"] == 2
    assert answer["log"].count("\n") == 1
    assert "has other code" in answer["log"]


@pytest.mark.slow
def test_a_second_build_in_one_folder_waits_and_says_for_whom(toy, building):
    write(toy, graph("sleep 2 && cat source.txt > runs/${key}.txt"))
    first = building("threads")
    awaited(lambda: runs_of(toy))
    second = building("threads")
    assert second.stdout is not None
    line = second.stdout.readline()
    assert line.startswith(f"another build is at work here (process {first.pid} since ")
    assert first.poll() is None, "it is still at work"
    out, _ = second.communicate(timeout=200)
    assert first.wait(timeout=5) == 0
    assert "0 stages reproduced" in out
    assert sorted(runs_of(toy)) == ["a", "b", "c", "d"]


@needs_parsl
@pytest.mark.cluster
def test_blocks_of_slurm_are_asked_for_and_given_back(toy, tmp_path):
    """Slurm's commands are stood in for: jobs are processes here."""
    tools, jobs = tmp_path / "tools", tmp_path / "jobs"
    tools.mkdir()
    jobs.mkdir()
    commands = {
        "sbatch": f'cp "$1" {jobs}/$$.sh; setsid bash "$1" >{jobs}/$$.out 2>&1 & touch {jobs}/$!; '
        'echo "Submitted batch job $!"',
        "sacct": "exit 1",
        "squeue": f'for job in $(ls {jobs} | grep -v [.]); do kill -0 $job 2>/dev/null && echo "$job R"; done; true',
        "scancel": f'for job in "$@"; do kill -- -$job; echo $job >> {jobs}/cancelled.txt; done',
    }
    for name, script in commands.items():
        (tools / name).write_text(f"#!/bin/bash\n{script}\n")
        (tools / name).chmod(0o755)
    with (toy / "../cluster.yaml").open("a") as file:
        file.write('provider:\n  {kind: slurm, walltime: "01:00:00", options: {partition: gpu, gpus_per_node: 4}}\n')
    command = ["vqa.cli", "repro", "--engine", "parsl", "--cluster", "../cluster.yaml"]
    path = f"{tools}{os.pathsep}{environment()['PATH']}"
    done = run(toy, *command, NOTES=str(tmp_path / "notes"), PATH=path, VQA_TOY=str(toy))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (toy / "join.txt").read_text() == "code\n" * 4
    scripts = [script.read_text() for script in jobs.glob("*.sh")]
    assert scripts
    for line in ("--partition=gpu", "--gpus-per-node=4", "--time=60", "--nodes=1"):
        assert all(line in script for script in scripts), line
    assert (jobs / "cancelled.txt").is_file()
    awaited(lambda: nothing_left(toy), 10)


@needs_ray
@pytest.mark.cluster
def test_ray_with_a_node_that_dies(toy, building, monkeypatch):
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4, "RAY_USAGE_STATS_ENABLED": "0"}
    for name, value in token.items():
        monkeypatch.setenv(name, value)
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--num-cpus=1", "--disable-usage-stats"]
    ray += ["--node-ip-address=127.0.0.1"]
    head = [*ray, "--head", "--port=6397", "--include-dashboard=false", "--block"]
    env = environment(NOTES=str(toy / "../notes"))
    nodes = [subprocess.Popen(head, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    try:
        awaited(lambda: not socket.socket().connect_ex(("127.0.0.1", 6397)))
        time.sleep(10)  # it listens before it takes nodes
        second = [*ray, "--address=127.0.0.1:6397", "--block"]
        nodes.append(subprocess.Popen(second, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        raylets = psutil.Process(nodes[1].pid)
        awaited(lambda: [each for each in raylets.children(recursive=True) if each.name() == "raylet"])
        time.sleep(5)
        with (toy / "../cluster.yaml").open("a") as file:
            file.write("address: 127.0.0.1:6397\n")
        write(toy, graph("sleep 4 && cat source.txt > runs/${key}.txt"))
        process = building("ray")
        awaited(lambda: len(runs_of(toy)) >= 2)
        raylet = next(p for p in psutil.Process(nodes[1].pid).children(recursive=True) if p.name() == "raylet")
        raylet.kill()
        out, err = process.communicate(timeout=220)
        assert process.returncode == 0, out + err
        assert "lost its worker" in out
        assert (toy / "join.txt").read_text() == "code\n" * 4
        awaited(lambda: nothing_left(toy), 10)
    finally:
        for node in nodes:
            family = psutil.Process(node.pid).children(recursive=True)
            for process in [*family, node]:
                process.kill()


def test_ray_without_a_token_is_refused(toy, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    done = build(toy, "ray")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --engine ray: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("remote: r", "missing key 'scratch'"),
        ("remote: r\nscratch: s\nworker: 2", "unknown key 'worker' (did you mean 'workers'?)"),
        ("remote: r\nscratch: s\nworkers: 0", "workers: 0 is less than 1"),
        ("remote: r\nscratch: s\nprovider: {kind: lsf}", "kind: 'lsf' is not one of local, slurm, pbs, kubernetes"),
        ("remote: r\nscratch: s\nprovider: {kind: slurm}", "walltime: blocks of slurm and pbs have one, and only they"),
        ("remote: r\nscratch: s\nprovider: {kind: slurm, walltime: 24:00:00}", "walltime: must be of type str"),
        (
            "remote: r\nscratch: s\nprovider: {kind: slurm, walltime: '01:00:00', drain: 3600}",
            "not within the walltime",
        ),
        ("remote: [", "not valid YAML"),
        ("", "must be a mapping"),
    ],
)
def test_a_wrong_cluster_file_is_one_line(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ParamsError) as caught:
        load_cluster(tmp_path / "c.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_of_a_cluster_file_are_relative_to_it_and_urls_stay(tmp_path):
    content = {"remote": "ssh://host/store", "scratch": "s", "gpus": 4, "workers": 2, "provider": {"kind": "local"}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content))
    assert load_cluster(tmp_path / "c.yaml") == Cluster(
        "ssh://host/store", str(tmp_path / "s"), workers=2, gpus=4, provider=Provider()
    )
    assert load_cluster(tmp_path / "c.yaml").stages == 8


@pytest.mark.parametrize(
    "arguments", [["--engine", "parsl"], ["--cluster", "c.yaml"], ["--engine", "slurm", "--cluster", "c"]]
)
def test_engine_and_cluster_file_go_together(toy, arguments):
    done = run(toy, "vqa.cli", "repro", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --engine ")
    assert len(done.stderr.splitlines()) == 1


def test_the_answer_of_a_worker_is_json(tmp_path):
    answer = worker.run_task(task_of(tmp_path, ""))
    assert json.loads(json.dumps(answer))["code"] == 2
