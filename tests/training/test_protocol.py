"""The trainings of a run: their names, which are read back, and their folders."""

from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vqa.settings.params import Partition, Run
from vqa.training.protocol import Training, trainings, weights_folder


@given(st.lists(st.integers(0, 2**31), max_size=4, unique=True), st.sets(st.integers(1, 2**31), max_size=3))
def test_a_training_is_found_again_by_its_name(seeds: list[int], cuts: set[int]) -> None:
    partition = Partition(tuple(cuts), 0.5) if cuts else None
    run = Run("m", "initial/m.safetensors", "", "a", (), partition=partition, seeds=tuple(seeds))
    every = trainings(run, 42)
    assert [(t.seed, t.cut) for t in every] == list(product(seeds or [42], cuts or [0]))
    assert [Training.from_fold(str(t.fold), 42) for t in every] == every
    assert len({weights_folder(Path("out"), every, t) for t in every}) == len(every)
    if not seeds:
        assert [t.fold for t in every] == (list(cuts) or [0]), "the names of runs that list no seeds"


def test_weights_of_a_single_training_are_in_no_folder_of_their_own() -> None:
    out = Path("out")
    for only in (Training(42, 0, 0), Training(42, 7, 7), Training(8, 0, "8-0")):
        assert weights_folder(out, [only], only) == out / "weights"
    both = [Training(8, 7, "8-7"), Training(9, 7, "9-7")]
    assert [weights_folder(out, both, each).name for each in both] == ["8-7", "9-7"]
