"""Stages killed by SIGKILL, again and again, until they come to their end: to the bytes of an undisturbed run.

After every kill: a file that has its name is whole, byte for byte, or it is a draft, whose name says so and which no
later result holds; a data set's folder is there with all of its files or not at all.

``pytest -m kill`` kills a hundred times at random and at every step of the end of each stage; ``-s`` shows where.
"""

import shutil
import subprocess
from collections import Counter

import numpy as np
import pytest
from download_server import serving
from kill_world import TASKS, Task, World

from vqa.io import digest
from vqa.rng import numpy_generator

TRAININGS = [name for name in TASKS if name.startswith("train")]
OTHERS = [name for name in TASKS if name not in TRAININGS]
SHORT_OF_MEMORY = ("train fastvqa", "prepare")  # in the usual suite; all of them with -m kill
PIECES = 12
END = 40  # steps: in those of a training results appear, and what a resume needs goes


def shown(name: str, phases: Counter[str]) -> int:
    """Print where kills of a task hit: how many."""
    print(f"{name}: {phases.total()} kills: {', '.join(f'{n} {phase}' for phase, n in sorted(phases.items()))}")
    return phases.total()


def download_again(world: World, kills: int, seed: int) -> Counter[str]:
    """Kill a download from a server that takes its time."""
    name, content = "download", np.random.default_rng(4).bytes(PIECES << 18)
    with serving() as server:
        server.content, server.pause, server.plan = content, 0.02, ["resume"] * 1000
        grows = f".state/downloads/{digest(server.url)[:24]}"
        world.tasks[name] = Task("download_stage", (server.url, digest(content)), "models", grows)
        world.learn(name)
        assert list(world.wholes[name].values()) == [content]
        before = len(server.ranges)
        phases = world.kill_at_random(name, kills, numpy_generator("kill", seed, name))
        began = phases["on the way, something kept"]
        assert not began or any(server.ranges[before:]), "what has come is not asked for again"
    return phases


def random_kills(world: World, trainings: int, others: int, seed: int) -> int:
    """Kill everything so many times: how many kills hit."""
    every = {name: trainings if name in TRAININGS else others for name in TASKS}
    hit = sum(
        shown(name, world.kill_at_random(name, kills, numpy_generator("kill", seed, name)))
        for name, kills in every.items()
    )
    return hit + shown("download", download_again(world, others, seed))


@pytest.mark.slow
def test_stages_killed_at_random_go_on_to_the_same_bytes(world):
    assert random_kills(world, trainings=4, others=2, seed=0) >= 25


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train fastvqa", "train sama"])
def test_trainings_killed_while_they_end_have_all_their_files(world, name):
    """Too short to be hit at random: results appear and what a resume needs goes, file after file."""
    phases = world.kill_at_steps(name, 15, every=3)
    shown(name, phases)
    assert phases["all written"]


@pytest.mark.kill
@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_kills_at_random(world, seed):
    assert random_kills(world, trainings=7, others=4, seed=seed) >= 50


@pytest.mark.kill
@pytest.mark.parametrize("name", TASKS)
def test_a_kill_at_every_step_of_the_end(world, name):
    shown(name, world.kill_at_steps(name, END, every=1))


# --- no room, no memory


def leave(world: World, room: int | None) -> None:
    """Leave so many bytes of the disk that the world lies on, or all of them."""
    size = "256m" if room is None else str(shutil.disk_usage(world.folder).used + room)
    subprocess.run(["mount", "-o", f"remount,size={size}", str(world.folder)], check=True)


def fill_up(world: World, name: str, share: float) -> bool:
    """Run a task with room for a share of what it writes, and again with enough: whether it was too little."""
    shutil.rmtree(world.folder / world.tasks[name].out, ignore_errors=True)
    leave(world, int(share * sum(map(len, world.wholes[name].values()))) >> 12 << 12)
    try:
        code = world.attempt(name)
    finally:
        leave(world, None)
    if code:
        (line,) = world.log.splitlines()
        assert code == 2, line
        assert line.startswith("error: ")
        assert line.endswith("make room")
        world.assert_nothing_is_half(name)
        code = world.attempt(name)
        world.assert_whole(name, code)
        return True
    world.assert_whole(name, code)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_full_disk_is_one_line_and_with_room_the_stage_goes_on_to_the_same_bytes(world, name):
    if not world.own_disk:
        pytest.skip("nobody but root may mount a small disk")
    assert fill_up(world, name, 0.6)
    if name in TRAININGS or name == "extract":
        assert fill_up(world, name, 1.75), "these write twice: what they keep, and the results"


@pytest.mark.kill
@pytest.mark.parametrize("name", TASKS)
def test_a_disk_that_is_full_at_any_place(world, name):
    if not world.own_disk:
        pytest.skip("nobody but root may mount a small disk")
    full = [share for share in np.arange(0.1, 6, 0.2) if fill_up(world, name, share)]
    print(f"{name}: too little room {len(full)} times, up to {full[-1]:.1f} of its results")
    assert len(full) < 30, "at some size there is enough"


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_file_that_may_not_grow_is_never_half_there(world, name):
    if world.own_disk:
        pytest.skip("a full disk shows more")
    largest = max(map(len, world.wholes[name].values()))
    assert world.attempt(name, file=largest // 2) in (1, 2)
    world.assert_nothing_is_half(name)
    world.assert_whole(name, world.attempt(name))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n if n in SHORT_OF_MEMORY else pytest.param(n, marks=pytest.mark.kill) for n in TASKS]
)
def test_without_memory_a_stage_ends_and_with_it_goes_on_to_the_same_bytes(world, name):
    """What libraries say of it differs, and some are ended by the system; but no file is called corrupt for it."""
    assert any(world.attempt(name, memory=room) for room in (1 << 20, 1 << 18, 1 << 16)), "one is too little"
    assert "corrupt" not in world.log
    world.assert_nothing_is_half(name)
    world.assert_whole(name, world.attempt(name))
