"""Space-time patches: their list, the synthetic ones, and what preparing a data set makes of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from project import ROOT
from scipy.stats import spearmanr

from vqa.data.items import Part, PreparedDataset
from vqa.data.patches import COLUMNS, Patch, fit_patches, read_patches, write_patches
from vqa.data.prepare import prepare
from vqa.data.synthetic.build import build
from vqa.data.synthetic.spec import SyntheticSpec
from vqa.io import InputError
from vqa.training.readers import ItemReader

WHOLE = yaml.safe_load((ROOT / "sources.yaml").read_text())["lsvq"]
PATCHES = [Patch(0, 0, 4, 4, 0, 9, 1.5), Patch(0, 0, 8, 8, 2, 5, 2.25), Patch(3, 2, 8, 7, 0, 1, 3.0)]


def spec(**changes: object) -> SyntheticSpec:
    few = {"splits": {"train": 10, "test": 4}, "sizes": {"64x48": 1}, "split_sizes": {}, "odd": {"short": 2}}
    return SyntheticSpec.from_dict("lsvq", {**WHOLE, **few, **changes})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patches") / "data" / "lsvq"
    build(spec(), folder, seed=3)
    return folder


def test_nothing_else_of_a_data_set_changes(built: Path, tmp_path: Path) -> None:
    build(spec(patches=False), tmp_path / "lsvq", seed=3)
    own = {path.relative_to(built): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    without = {path.relative_to(tmp_path / "lsvq"): path.read_bytes() for path in (tmp_path / "lsvq").rglob("*.*")}
    assert own.pop(Path("patches.csv"))
    assert own == without


def test_patches_lie_inside_and_have_opinions_near_the_video_s(built: Path) -> None:
    truth, patches = pd.read_csv(built / "truth.csv").set_index("name"), read_patches(built / "patches.csv")
    assert list(patches) == truth.index.tolist()
    for name, (space, time, both) in patches.items():
        width, height, n_frames = truth.loc[name, ["width", "height", "n_frames"]]
        assert (space.start, space.end) == (0, n_frames)
        assert (time.left, time.top, time.right, time.bottom) == (0, 0, width, height)
        for patch in (space, both):
            assert (patch.right - patch.left, patch.bottom - patch.top) == (round(0.4 * width), round(0.4 * height))
            assert 0 <= patch.left < patch.right <= width
        for patch in (time, both):
            assert patch.end - patch.start == round(0.4 * n_frames)
    labels = pd.read_csv(built / "labels.csv").set_index("name").mos
    for number in range(3):
        mos = np.array([patches[name][number].mos for name in labels.index])
        assert spearmanr(mos, labels).statistic > 0.7
        assert (mos != labels.to_numpy()).all()


def test_a_prepared_data_set_gives_them_to_methods(built: Path, tmp_path: Path) -> None:
    prepare(built, tmp_path / "lsvq", "stop", frame_store=True)
    data = PreparedDataset(tmp_path / "lsvq", built)
    listed = read_patches(built / "patches.csv")
    for item in Part(data, "all").items:
        assert data.patches(item) == listed[item.name]
        mos = ItemReader(data, item).patches()
        assert mos.dtype == np.float32
        np.testing.assert_allclose(mos, [patch.mos for patch in listed[item.name]], rtol=1e-6)


def test_patches_that_leave_the_video_are_named(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lsvq"
    build(spec(splits={"train": 2}, odd={}), folder, seed=3)
    patches = read_patches(folder / "patches.csv")
    name = next(iter(patches))
    patches[name][1] = replace(patches[name][1], end=999)
    write_patches(folder / "patches.csv", patches)
    with pytest.raises(InputError, match=f"patch 2 of {name} is not inside of the video, 64x48 with"):
        prepare(folder, tmp_path / "prepared", "stop", frame_store=False)
    write_patches(folder / "patches.csv", {name: patches[name] for name in list(patches)[1:]})
    with pytest.raises(InputError, match=f"{name} has no patches; list three, or remove the file"):
        prepare(folder, tmp_path / "prepared", "stop", frame_store=False)


def test_patches_of_nobody_are_named_and_those_of_excluded_videos_are_dropped(built: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(built, tmp_path / "lsvq")
    patches = read_patches(folder / "patches.csv")
    broken = next(iter(patches))
    (folder / broken).write_bytes(b"no video")
    prepare(folder, tmp_path / "prepared", "exclude", frame_store=False)
    assert read_patches(tmp_path / "prepared" / "patches.csv") == {k: v for k, v in patches.items() if k != broken}
    write_patches(folder / "patches.csv", {**patches, "other.mp4": PATCHES})
    with pytest.raises(InputError, match=r"patches.csv: other.mp4 is not in the label list; remove its patches"):
        prepare(folder, tmp_path / "prepared", "exclude", frame_store=False)


def test_a_data_set_that_loses_its_patches_has_none(built: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(built, tmp_path / "lsvq")
    for _ in range(2):
        prepare(folder, tmp_path / "prepared", "stop", frame_store=False)
        data = PreparedDataset(tmp_path / "prepared", folder)
        assert {len(data.patches(item)) for item in data.items("all")} == {
            3 if (folder / "patches.csv").exists() else 0
        }
        (folder / "patches.csv").unlink(missing_ok=True)


def test_segments_may_end_a_little_late_and_test_videos_have_none() -> None:
    items = pd.DataFrame([("a", "train", 8, 8, 9), ("b", "test", 8, 8, 9)])
    items.columns = pd.Index(["name", "split", "width", "height", "n_frames"])
    late = [replace(PATCHES[0], end=11), *PATCHES[1:]]
    assert fit_patches(Path("list"), {"a": late}, items) == {"a": PATCHES}
    with pytest.raises(
        InputError, match="list: patch 1 of a is not inside of the video, 8x8 with 9 frames; correct or"
    ):
        fit_patches(Path("list"), {"a": [replace(PATCHES[0], end=12), *PATCHES[1:]]}, items)
    for change in ({"left": -1}, {"right": 9}, {"top": 4}, {"bottom": 9}, {"start": 9}):
        with pytest.raises(InputError, match="patch 1 of a is not inside"):
            fit_patches(Path("list"), {"a": [replace(PATCHES[0], **change), *PATCHES[1:]]}, items)


def test_places_may_be_written_as_floats(tmp_path: Path) -> None:
    write_patches(tmp_path / "patches.csv", {"x": PATCHES})
    table = pd.read_csv(tmp_path / "patches.csv").astype({"left": float, "end": float})
    table.assign(end=table.end - 0.3)[::-1].to_csv(tmp_path / "patches.csv", index=False)
    assert read_patches(tmp_path / "patches.csv") == {"x": PATCHES}


def test_the_list_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_patches(tmp_path / "patches.csv", {"a,b.mp4": PATCHES, "NA": PATCHES})
    assert read_patches(tmp_path / "patches.csv") == {"a,b.mp4": PATCHES, "NA": PATCHES}
    assert read_patches(tmp_path / "none.csv") == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="top"), "not a list of patches with the columns name, patch, left"),
        (lambda table: table.assign(mos="good"), "line 2: 'good' is no mos"),
        (lambda table: table.assign(mos=[1, np.nan, 2]), "line 3: '' is no mos"),
        (lambda table: table.assign(end=[5, 6, np.inf]), "line 4: 'inf' is no end"),
        (lambda table: table.assign(patch=[1, 2, 4]), "line 4: patch is 4, and 1, 2 and 3 are needed"),
        (lambda table: table.assign(name=["x", "", "x"]), "line 3 has no name"),
        (lambda table: table[:0], "lists no items"),
        (lambda table: table[:2], r"x has the patches \[1, 2\], and 1, 2 and 3 are needed"),
        (lambda table: table.assign(patch=[1, 2, 2]), r"x has the patches \[1, 2, 2\]"),
    ],
)
def test_a_bad_list_is_one_line(tmp_path: Path, change: object, message: str) -> None:
    write_patches(tmp_path / "patches.csv", {"x": PATCHES})
    table = pd.read_csv(tmp_path / "patches.csv")
    assert tuple(table.columns) == COLUMNS
    change(table).to_csv(tmp_path / "patches.csv", index=False)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        read_patches(tmp_path / "patches.csv")
    assert "\n" not in str(caught.value)
