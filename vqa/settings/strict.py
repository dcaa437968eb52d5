"""Plain YAML data to frozen dataclasses, strictly: the reader behind every parameter of the suite.

Unknown keys, missing keys and values of the wrong type are errors that name the place, for example
``params.yaml: runs.A15: unknown key 'gama' (did you mean 'gamma'?)``.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class ParamsError(ValueError):
    """A parameter file says something that cannot be; the message is one line."""


def build(cls: type[T], value: Any, where: str) -> T:
    """Make a dataclass (or any annotated type below it) from plain YAML data, strictly.

    Args:
        cls: a dataclass type, or a type such as ``tuple[int, ...]`` or ``dict[str, Run]``.
        value: what the YAML file holds there.
        where: place to name in an error, for example ``params.yaml: methods.fastvqa``.

    Raises:
        ParamsError: for unknown or missing keys, wrong types, or values that the dataclass itself refuses.
    """
    return _build(cls, value, where)


def _build(cls: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(cls):
        return _build_dataclass(cls, value, where)
    origin, args = typing.get_origin(cls), typing.get_args(cls)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _build(next(a for a in args if a is not type(None)), value, where)
    if origin is dict:
        _expect(isinstance(value, dict), where, "a mapping", value)
        for key in value:
            if not isinstance(key, str):
                raise ParamsError(f"{where}: names must be text, got {key!r}")
        return {key: _build(args[1], entry, f"{_join(where, key)}") for key, entry in value.items()}
    if origin is tuple:
        _expect(isinstance(value, list), where, "a list", value)
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        _expect(len(kinds) == len(value), where, f"a list of {len(kinds)}", value)
        entries = enumerate(zip(kinds, value, strict=True))
        return tuple(_build(kind, entry, f"{where}[{i}]") for i, (kind, entry) in entries)
    if cls is Any:
        return value
    if cls is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        _expect(number, where, "a number (write 0.0001, not 1e-4)", value)
        _expect(math.isfinite(value), where, "a finite number", value)
        return float(value)
    right = isinstance(value, cls) and not (cls is int and isinstance(value, bool))
    _expect(right, where, f"of type {cls.__name__}", value)
    return value


def _build_dataclass(cls: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), where, "a mapping", value)
    hints, fields = typing.get_type_hints(cls), {f.name: f for f in dataclasses.fields(cls)}
    for key in value:
        if key not in fields:
            raise ParamsError(f"{where}: unknown key {key!r}{_did_you_mean(key, fields)}")
    for name, spec in fields.items():
        optional = spec.default is not dataclasses.MISSING or spec.default_factory is not dataclasses.MISSING
        if name not in value and not optional:
            raise ParamsError(f"{where}: missing key {name!r}")
    built = {key: _build(hints[key], entry, _join(where, key)) for key, entry in value.items()}
    try:
        return cls(**built)
    except ValueError as error:
        raise ParamsError(f"{where}: {error}") from None


def _join(where: str, key: str) -> str:
    shown = key if key.isprintable() else repr(key)
    return f"{where}.{shown}" if ": " in where else f"{where}: {shown}"


def _did_you_mean(key: object, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(key), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def known_name(where: str, name: str, known: Iterable[str]) -> None:
    """Raise :class:`ParamsError` at ``where`` unless ``name`` is one of ``known``."""
    if name not in known:
        raise ParamsError(f"{where}: {name!r} is not defined{_did_you_mean(name, known)}")


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is allowed; for ``__post_init__`` of parameter dataclasses."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(allowed)}")


def _expect(condition: bool, where: str, wanted: str, value: object) -> None:
    if not condition:
        raise ParamsError(f"{where}: must be {wanted}, got {value!r}")
