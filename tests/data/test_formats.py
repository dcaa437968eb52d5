"""Readers of published formats, on small files made here: what they return, and one line for everything else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from vqa.data import formats
from vqa.io import InputError


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_label_list(tmp_path):
    table = formats.read_label_list(write(tmp_path / "l.txt", "a/b.mp4, 8.0, 29.97, 3.5\nx, y.mp4,-1,-1,0.25"))
    assert list(table.columns) == formats.LIST_COLUMNS
    assert table.name.tolist() == ["a/b.mp4", "x, y.mp4"], "only the last three commas divide"
    assert table.mos.tolist() == [3.5, 0.25]
    assert table.duration[0] == 8.0
    assert table[["duration", "fps"]].loc[1].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no items"),
        ("a.mp4, 1, 2", "line 1 is not 'file, duration, fps, MOS'"),
        ("a.mp4,-1,-1,1\n,-1,-1,2", "line 2 is not"),
        ("a.mp4,-1,-1,1\na.mp4,-1,-1,2", "item a.mp4 occurs more than once"),
        ("a.mp4,-1,-1,good", "item a.mp4 has no numeric MOS"),
        ("a.mp4,-1,-1,inf", "item a.mp4 has no numeric MOS"),
    ],
)
def test_label_lists_that_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        formats.read_label_list(write(tmp_path / "l.txt", text))
    assert str(caught.value).startswith(str(tmp_path / "l.txt"))


def test_metadata_keep_their_columns_and_names_stay_text(tmp_path):
    table = formats.read_metadata(write(tmp_path / "m.csv", "id,MOS,width\n0012,1.5,960\n7,2,540\n"), "id", "MOS")
    assert table.name.tolist() == ["0012", "7"]
    assert table.mos.tolist() == [1.5, 2.0]
    assert table.width.tolist() == ["960", "540"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,mos\n1,2\n", "has no column 'MOS'; it has 'id', 'mos'"),
        ("id,MOS\n1,\n", "line 2: '' is no MOS"),
        ("id,MOS\n,2\n", "line 2 has no name"),
        ("", "is empty"),
    ],
)
def test_metadata_that_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        formats.read_metadata(write(tmp_path / "m.csv", text), "id", "MOS")


def test_a_matrix_keeps_what_is_not_finite(tmp_path):
    matrix = np.array([[1.0, np.nan], [np.inf, 4.0], [0.0, -1e300]])
    savemat(tmp_path / "f.mat", {"feats_mat": matrix, "note": "x"})
    np.testing.assert_array_equal(formats.read_mat(tmp_path / "f.mat", columns=2), matrix)
    with pytest.raises(InputError, match="'feats_mat' has 2 columns, expected 3"):
        formats.read_mat(tmp_path / "f.mat", columns=3)
    with pytest.raises(InputError, match="has no matrix of numbers 'mos'; it has feats_mat, note"):
        formats.read_mat(tmp_path / "f.mat", "mos")
    with pytest.raises(InputError, match="has no matrix of numbers 'note'"):
        formats.read_mat(tmp_path / "f.mat", "note")


def test_finite_features():
    features = formats.finite(np.array([[1.5, np.nan], [-np.inf, 1e300]]))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, [[1.5, 0], [0, 0]])


@pytest.mark.parametrize("damage", [b"", b"text", b"MATLAB 5.0 MAT-file" + bytes(200), "half"])
def test_damaged_matrices_are_one_line(tmp_path, damage):
    path = tmp_path / "f.mat"
    savemat(path, {"feats_mat": np.random.default_rng(0).normal(size=(50, 8))}, do_compression=True)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage == "half" else damage)
    with pytest.raises(InputError, match=r"f\.mat: ") as caught:
        formats.read_mat(path)
    assert "\n" not in str(caught.value)


def test_scores_of_branches(tmp_path):
    import pickle

    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps({"resize": np.float32([1, 2]), "fragments": np.float32([3, 4])}))
    table = formats.read_branches(path)
    assert table.technical.tolist() == [3, 4]
    assert table.aesthetic.tolist() == [1, 2]
    for content, message in (
        ({"resize": np.zeros(2)}, "not the scores of the branches"),
        ({"resize": np.zeros(2), "fragments": np.zeros(3)}, "different numbers"),
        ({"resize": np.array([0, np.nan]), "fragments": np.zeros(2)}, "'resize' is not a row of finite numbers"),
    ):
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(InputError, match=message):
            formats.read_branches(path)


def test_vectors_by_data_set(tmp_path):
    import pickle

    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"kv": [np.arange(3.0), np.ones(3)]}))
    assert formats.read_sequences(path, 3)["kv"].tolist() == [[0, 1, 2], [1, 1, 1]]
    with pytest.raises(InputError, match="'kv' is not a list of vectors of 4 numbers"):
        formats.read_sequences(path, 4)


@pytest.mark.parametrize("save", [torch.save, None])
def test_results_of_splits(tmp_path, save: Callable | None):
    import pickle

    path, content = tmp_path / "r.pkl", {"results": [[np.float64(0.5), 0.25, 0.125, 1.0]] * 3}
    if save:
        save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    np.testing.assert_array_equal(formats.read_split_results(path), [[0.5, 0.25, 0.125, 1.0]] * 3)
    path.write_bytes(pickle.dumps({"results": [[1, 2]]}))
    with pytest.raises(InputError, match="are not SRCC, PLCC, KRCC, RMSE"):
        formats.read_split_results(path)


@pytest.mark.parametrize("reader", [formats.read_label_list, formats.read_mat, formats.read_branches])
def test_a_missing_file_is_one_line(tmp_path, reader):
    with pytest.raises(InputError, match=r"[Nn]o such file"):
        reader(tmp_path / "none")
