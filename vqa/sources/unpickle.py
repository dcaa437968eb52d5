"""Arrays and plain values out of pickles of unknown origin, without running anything that the file asks for.

A pickle is a program. Here it may call five functions, all of them stand-ins written in this file, which build
arrays and numbers of plain types from bytes: NumPy's own reconstruction, which trusts what the file says of memory, is
never entered. Everything else that a file names is refused, with the name.
"""

import io
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vqa.io import InputError

_PLAIN = frozenset("biuf")
_TEXT = frozenset("SU")


class Refused(pickle.UnpicklingError):
    """The file asks for something that is no part of plain arrays."""


class _Type:
    """Stands for ``numpy.dtype`` while a file is read: numbers, text, or references to Python objects (``O``)."""

    def __init__(self, code: str, *_: object) -> None:
        kind, size = (code[:1], code[1:]) if isinstance(code, str) else ("", "")
        if kind == "O" and size in ("", "8"):
            self.dtype = None
            return
        if kind not in _PLAIN | _TEXT or not size.isdigit() or int(size) > (16 if kind in _PLAIN else 4096):
            raise Refused(f"numpy.dtype({code!r})")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        """Byte order alone; fields, subarrays and flags of the memory are not for a file to say."""
        order, inner = state[1], state[2:5]
        if any(part is not None for part in inner) or order not in ("<", ">", "=", "|"):
            raise Refused("numpy.dtype of another kind than numbers, text and objects")
        if self.dtype is not None and order in "<>":
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for ``numpy.ndarray`` while a file is read."""

    value: Any = None

    def __init__(self, *arguments: object) -> None:
        if arguments:
            raise Refused("numpy.ndarray without its bytes")

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, content = state
        if not all(type(size) is int and size >= 0 for size in shape) or not isinstance(kind, _Type):
            raise Refused("numpy.ndarray of no plain shape or type")
        count = math.prod(shape)
        if kind.dtype is None:
            if not isinstance(content, list) or len(content) != count:
                raise Refused("numpy.ndarray of objects whose number is not that of its shape")
            # A list, not an array of objects: what is inside is still being read.
            self.value = content if shape else _Single(content)
            return
        content = _as_bytes(content)
        if not isinstance(content, bytes) or len(content) != count * kind.dtype.itemsize:
            raise Refused("numpy.ndarray whose bytes do not fit its shape")
        self.value = np.frombuffer(content, kind.dtype).reshape(shape, order="F" if fortran else "C").copy()


class _Single(list):
    """The one object of an array without axes."""


def _reconstruct(kind: object, *_: object) -> _Array:
    if kind is not _Array:
        raise Refused("a subclass of numpy.ndarray")
    return _Array()


def _scalar(kind: object, content: object = None) -> Any:
    content = _as_bytes(content)
    if not isinstance(kind, _Type) or kind.dtype is None or not isinstance(content, bytes):
        raise Refused("numpy.core.multiarray.scalar of something else than bytes")
    if len(content) != kind.dtype.itemsize:
        raise Refused("numpy.core.multiarray.scalar whose bytes do not fit its type")
    return np.frombuffer(content, kind.dtype)[0].item()


def _as_bytes(content: object) -> object:
    """Bytes that Python 2 wrote, which are read as a text, as bytes; anything else as it is."""
    return content.encode("latin1") if isinstance(content, str) else content


def _encode(text: object, encoding: object = "") -> bytes:
    """Bytes as Python 3 writes them for Python 2: a text of as many characters."""
    if encoding != "latin1" or not isinstance(text, str):
        raise Refused("_codecs.encode to something else than latin1")
    return text.encode("latin1")


def _empty(*arguments: object) -> bytes:
    """No bytes, as Python 3 writes them for Python 2."""
    if arguments:
        raise Refused("bytes of something")
    return b""


_ALLOWED = {
    **{(module, "bytes"): _empty for module in ("builtins", "__builtin__")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise Refused(f"{module}.{name}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise Refused(f"an object that is kept elsewhere ({pid!r})")


def read_pickle(path: Path) -> Any:
    """Content of a pickle of dicts, lists, plain values and NumPy arrays.

    A file of :func:`torch.save` (a ZIP archive with one pickle) is read in the same way if it holds no tensors.

    Returns:
        The same dicts, lists and values; arrays of numbers or text as arrays, arrays of objects as lists (the single
        object, where the array has no axes), and NumPy's numbers as Python's.

    Raises:
        InputError: one line, naming what the file asks for beyond that, or that it is no pickle.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if content[:4] == b"PK\x03\x04":
        content = _inner_pickle(path, content)
    return _load(io.BytesIO(content), str(path))


def read_object_npy(stream: BinaryIO, where: str) -> Any:
    """The content of a ``.npy`` stream that holds a pickle: an array of objects, usually one dict without axes.

    Args:
        stream: opened for reading, at its start.
        where: name of the file for messages.

    Raises:
        InputError: as :func:`read_pickle`, and if it is no such stream.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        _, _, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError as error:
        raise InputError(f"{where}: not a .npy file that can be read ({' '.join(str(error).split())})") from None
    if dtype != np.dtype(object):
        raise InputError(f"{where}: holds {dtype}, expected Python objects")
    return _load(stream, where)


def _inner_pickle(path: Path, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith("data.pkl")]
            if len(names) != 1:
                raise InputError(f"{path}: a ZIP archive with {len(names)} pickles, expected one")
            if archive.getinfo(names[0]).file_size > 100 * len(content) + 1024:
                raise InputError(f"{path}: its pickle is said to be more than 100 times as large as the file; refused")
            return archive.read(names[0])
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise InputError(f"{path}: not a ZIP archive that can be read ({error})") from None


def _load(stream: BinaryIO, where: str) -> Any:
    try:
        return _settle(_Unpickler(stream, encoding="latin1").load())
    except Refused as error:
        asked = " ".join(str(error).split())
        raise InputError(f"{where}: asks for {asked}, which is no part of plain arrays; refused") from None
    except RecursionError:
        raise InputError(f"{where}: nested too deeply; refused") from None
    # Damaged bytes can fail anywhere inside the interpreter of pickles.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{where}: not a pickle that can be read ({reason})") from None


def _settle(value: Any, settled: dict[int, Any] | None = None) -> Any:
    """The same with arrays in the place of their stand-ins; what the file shares is made once and stays shared."""
    settled = {} if settled is None else settled
    if isinstance(value, _Type) or callable(value):
        raise Refused("a type or a function where a value belongs")
    if not isinstance(value, _Array | dict | list | tuple):
        return value
    if id(value) not in settled:
        settled[id(value)] = _settled(value, settled)
    return settled[id(value)]


def _settled(value: Any, settled: dict[int, Any]) -> Any:
    if isinstance(value, _Array):
        return value.value if isinstance(value.value, np.ndarray) else _settle(value.value, settled)
    if isinstance(value, _Single):
        return _settle(value[0], settled)
    if isinstance(value, dict):
        return {_settle(key, settled): _settle(entry, settled) for key, entry in value.items()}
    return type(value)(_settle(entry, settled) for entry in value)
