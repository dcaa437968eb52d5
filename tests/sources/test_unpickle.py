"""Pickles that are read, and those that are refused: nothing that a file asks for is ever run."""

import contextlib
import io
import os
import pickle
import pickletools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqa.io import InputError
from vqa.sources.unpickle import read_object_npy, read_pickle


def pickled(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


CONTENT = {
    "floats": np.array([1.5, -2.25, np.inf]),
    "single": np.float32([[0.1, 0.2], [0.3, 0.4]]),
    "big": np.arange(6, dtype=">i4").reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "flags": np.array([True, False]),
    "text": np.array(["a", "bcd"]),
    "empty": np.zeros((0, 4)),
    "scalar": np.float64(0.25),
    "plain": [1, "two", None, (3.5, b"four")],
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_and_plain_values_come_back(tmp_path, protocol):
    read = read_pickle(pickled(tmp_path / "a.pkl", CONTENT, protocol))
    assert set(read) == set(CONTENT)
    for key, value in CONTENT.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(read[key], value)
            assert read[key].dtype == value.dtype
            assert read[key].flags.writeable
    assert read["scalar"] == 0.25
    assert read["plain"] == CONTENT["plain"]


def test_the_names_of_both_generations_of_numpy_are_known(tmp_path):
    new = pickle.dumps(np.arange(3.0), protocol=2)
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != new
    (tmp_path / "old.pkl").write_bytes(old)
    np.testing.assert_array_equal(read_pickle(tmp_path / "old.pkl"), np.arange(3.0))


class Evil:
    """Runs a command when it is unpickled by the usual means."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, "posix.system"), (eval, "builtins.eval"), (getattr, "builtins.getattr"), (np.load, "numpy.load")],
)
def test_every_other_function_is_refused_by_name_and_not_run(tmp_path, function, name):
    path = pickled(tmp_path / "evil.pkl", {"a": [np.zeros(2), Evil(function, f"touch {tmp_path}/ran")]})
    with pytest.raises(InputError, match=rf"evil\.pkl: asks for {name}, .* refused") as caught:
        read_pickle(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_nothing_is_run_inside_a_torch_archive_or_an_array_of_objects(tmp_path):
    evil = Evil(os.system, f"touch {tmp_path}/ran")
    with zipfile.ZipFile(tmp_path / "evil.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"results": evil}, protocol=2))
    with pytest.raises(InputError, match=r"evil\.pth: asks for posix\.system"):
        read_pickle(tmp_path / "evil.pth")
    stream = io.BytesIO()
    np.save(stream, np.array({"a": evil}, dtype=object), allow_pickle=True)
    stream.seek(0)
    with pytest.raises(InputError, match=r"here: asks for posix\.system"):
        read_object_npy(stream, "here")
    assert not (tmp_path / "ran").exists()


def test_tensors_kept_beside_the_pickle_are_refused(tmp_path):
    import torch

    torch.save({"weight": torch.zeros(2)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"w\.pth: asks for torch\._utils\._rebuild_tensor_v2"):
        read_pickle(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (np.dtype, ("O4",), "numpy.dtype"),
        (np.dtype, ("V8",), "numpy.dtype"),
        (np.dtype, ("f99999999999",), "numpy.dtype"),
        (np.dtype, ([("a", "f8")],), "numpy.dtype"),
        (np.ndarray, ((1 << 40,),), "array"),
        (np._core.multiarray._reconstruct, (np.dtype, (0,), b"b"), "subclass"),
        (np._core.multiarray.scalar, (np.dtype("f8"), b"short"), "bytes do not fit"),
    ],
)
def test_what_would_mislead_numpy_about_its_memory_is_refused(tmp_path, function, arguments, message):
    """The stand-ins trust no number in a file: sizes, types and shapes must fit the bytes that are there."""
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(Evil(function, *arguments), protocol=2))
    with pytest.raises(InputError, match=message):
        read_pickle(path)


def test_an_array_whose_bytes_do_not_fit_its_shape_is_refused(tmp_path):
    content = pickle.dumps(np.arange(4, dtype=np.uint8), protocol=2)
    shape = pickle.dumps((4,), protocol=2)[2:-1].split(b"q")[0]
    assert content.count(shape) == 1
    (tmp_path / "bad.pkl").write_bytes(content.replace(shape, shape.replace(b"\x04", b"\x7f")))
    with pytest.raises(InputError, match="bytes do not fit its shape"):
        read_pickle(tmp_path / "bad.pkl")


def test_what_a_file_shares_is_made_once(tmp_path):
    """A few bytes that name each other would otherwise fill the memory."""
    value: list = [0]
    for _ in range(60):
        value = [value, value]
    read = read_pickle(pickled(tmp_path / "shared.pkl", value))
    assert read[0] is read[1]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04rest", b"\x80\x04.", pickle.dumps([1])[:-1]])
def test_what_is_no_pickle_is_one_line(tmp_path, content):
    (tmp_path / "bad.pkl").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.pkl: ") as caught:
        read_pickle(tmp_path / "bad.pkl")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_pickle(tmp_path / "none.pkl")


PLAIN = {dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex, bool, type(None), np.ndarray}


def kinds(value: object) -> set[type]:
    """Types of a value and of all that it holds."""
    found = {np.ndarray if isinstance(value, np.ndarray | np.generic) else type(value)}
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        found = found.union(*map(kinds, value))
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_never_do_more_than_fail(tmp_path_factory, data):
    content = bytearray(pickle.dumps(CONTENT, protocol=2))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.pkl"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert kinds(read_pickle(path)) <= PLAIN, "what is read is plain, whatever the bytes say"


def test_only_arrays_of_objects_are_read_as_such():
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    stream.seek(0)
    with pytest.raises(InputError, match="holds int64, expected Python objects"):
        read_object_npy(stream, "here")
    with pytest.raises(InputError, match=r"here: not a \.npy file"):
        read_object_npy(io.BytesIO(b"text"), "here")
    stream = io.BytesIO()
    np.save(stream, np.array({"K": {"rq": np.arange(3.0)}}, dtype=object), allow_pickle=True)
    stream.seek(0)
    np.testing.assert_array_equal(read_object_npy(stream, "here")["K"]["rq"], np.arange(3.0))


def test_the_file_above_is_refused_by_what_it_says():
    """The check of the tests themselves: the evil pickle does call a function."""
    opcodes = [opcode.name for opcode, *_ in pickletools.genops(pickle.dumps(Evil(os.system, "true")))]
    assert "REDUCE" in opcodes
