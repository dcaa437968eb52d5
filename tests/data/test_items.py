"""Items of a prepared data set: random cuts as the released code draws them, parts, digests, motion features."""

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import open_dataset, write_dataset

from vqa.data.items import Cut, Part, PreparedDataset, open_datasets
from vqa.io import InputError

CUT = Cut(7, 0.6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 items, four of them the list's own test split."""
    folder = tmp_path_factory.mktemp("items")
    write_dataset(folder)
    return folder


@pytest.fixture
def data(folder: Path) -> PreparedDataset:
    return open_dataset(folder)


def rows(part: Part) -> list[int]:
    return [item.row for item in part.items]


@given(st.integers(0, 2**32), st.floats(0.01, 0.99), st.integers(1, 200))
def test_a_cut_is_pythons_shuffle_with_the_first_items_for_training(seed: int, share: float, n: int) -> None:
    indices = list(range(n))
    random.Random(seed).shuffle(indices)
    parts = Cut(seed, share).parts(n)
    assert parts["train"] == sorted(indices[: int(share * n)])
    assert parts["test"] == sorted(indices[int(share * n) :])
    assert sorted(parts["train"] + parts["test"]) == list(range(n)), "disjoint, and every item in one of them"


@given(st.integers(0, 2**32))
def test_a_cut_leaves_the_global_generator_alone(seed: int) -> None:
    before = random.getstate()
    Cut(seed, 0.8).parts(20)
    assert random.getstate() == before


def test_the_lists_own_split_and_all(data: PreparedDataset) -> None:
    own = {split: rows(Part(data, split)) for split in ("train", "test", "all")}
    assert own["test"] == [3, 6, 10, 13]
    assert own["train"] == [0, 1, 2, 4, 5, 7, 8, 9, 11, 12]
    assert own["all"] == list(range(14))


def test_a_cut_replaces_train_and_test_and_nothing_else(data: PreparedDataset) -> None:
    expected = CUT.parts(14)
    for split in ("train", "test"):
        cut = Part(data, split, CUT)
        assert rows(cut) == expected[split]
        assert [item.name for item in cut.items] == [f"{row:02}.mp4" for row in expected[split]]
        assert cut.key == f"tiny/{split}"
        assert rows(cut) != rows(Part(data, split))
    assert rows(Part(data, "all", CUT)) == list(range(14))
    assert len(expected["train"]) == int(0.6 * 14) == 8


@pytest.mark.parametrize("cut", [None, CUT])
@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_labels_and_digest_are_those_of_the_items(data: PreparedDataset, split: str, cut: Cut | None) -> None:
    part = Part(data, split, cut)
    np.testing.assert_array_equal(part.mos, [item.mos for item in part.items])
    lines = sorted(f"{item.name},{item.mos:.3g}" for item in part.items)
    assert part.digest == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def test_frames_follow_the_item_under_a_cut(data: PreparedDataset) -> None:
    """Videos are as bright as their MOS says: another item's frames would show."""
    for item in Part(data, "test", CUT).items:
        frames = data.frames(item, np.array([0, 11]))
        assert frames.shape == (2, 36, 40, 3)
        assert frames.mean() == pytest.approx(255 / 2 * (item.mos - 1) / 4, rel=0.05)


@pytest.mark.parametrize("cut", [None, CUT, Cut(8, 0.3)])
def test_motion_features_follow_the_row_of_the_item(folder: Path, data: PreparedDataset, cut: Cut | None) -> None:
    features = np.load(folder / "features" / "slowfast" / "tiny" / "features.npy")
    for split in ("train", "test", "all"):
        for item in Part(data, split, cut).items:
            np.testing.assert_array_equal(data.features(item, "slowfast"), features[int(item.name[:2])])


def test_an_unknown_split_is_named_with_those_there_are(data: PreparedDataset) -> None:
    for cut in (None, CUT):
        with pytest.raises(InputError, match=r"^tiny: no items in split 'val'; it has test, train, all$"):
            data.items("val", cut)


def test_missing_features_say_what_there_is_and_what_the_run_must_read(folder: Path, tmp_path: Path) -> None:
    for extracted, known in ((tmp_path, "tiny"), (folder / "features", "tiny, slowfast")):
        data = PreparedDataset(folder / "prepared" / "tiny", folder, extracted)
        message = f"^tiny: no features other; there are {known}; .* must say data: features/other/tiny$"
        with pytest.raises(InputError, match=message):
            data.features(data.items("all")[0], "other")


def test_features_and_lengths_of_another_list_are_refused(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "slowfast" / "tiny"
    own.mkdir(parents=True)
    np.save(own / "features.npy", np.zeros((13, 2, 5), np.float32))
    data = PreparedDataset(folder / "prepared" / "tiny", folder, tmp_path)
    item = data.items("all")[0]
    with pytest.raises(InputError, match=r"features.npy: not of the present item list: `dvc repro extract` again$"):
        data.features(item, "slowfast")
    with pytest.raises(InputError, match=r"lengths.npy is missing: `dvc repro extract` makes it$"):
        data.length(item, "slowfast")
    np.save(own / "lengths.npy", np.arange(14, dtype=np.int32))
    assert [data.length(item, "slowfast") for item in data.items("all")] == list(range(14))


def test_data_sets_are_opened_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = open_datasets(["tiny"])
    assert list(found) == ["tiny"]
    item = found["tiny"].items("all")[3]
    expected = np.load("features/slowfast/tiny/features.npy")[3]
    np.testing.assert_array_equal(found["tiny"].features(item, "slowfast"), expected)
    with pytest.raises(InputError, match="no item list; run the prepare stage of other first"):
        open_datasets(["other"])
