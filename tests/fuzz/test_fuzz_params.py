"""Params of any types, keys and ways to write them: read as they look, or refused in one line with the place."""

import copy
import dataclasses
import functools
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from fuzzing import assert_one_line, twins
from hypothesis import strategies as st
from project import ROOT

from vqa.methods import load_method
from vqa.settings.params import Params, load
from vqa.settings.plain import read_yaml
from vqa.settings.strict import ParamsError

NAMED = ("datasets", "methods", "runs", "tables", "figures", "published", "regressions", "quotable", "transfers")
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "2024", "042", "a/b", "a.b", "a+b", "..", "a\nb", "\0", "é", "x" * 300, "yes", "~", "<<"]
    ),
    st.text(max_size=8),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.dates(), st.binary(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=4,
)
# As people write them by hand: what YAML makes of these is not what they look like.
WRITTEN = st.one_of(
    st.from_regex(r"[-+]?[0-9_:.xXoOeE+-]{1,8}", fullmatch=True),
    st.sampled_from(
        ["042", "1_000", "1:30", "0x1F", "1e-4", ".5", "5.", ".inf", ".nan", "yes", "NO", "null", "2024-01-01"]
    ),
    st.sampled_from(
        ["&a x", "*a", "!!int x", "!!bool x", "!!float x", "!x y", "{a: 1, a: 2}", "[", "? x", "=", "<<", "- x"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=8),
)


@functools.cache
def raw() -> dict[str, Any]:
    """The demo's params as plain data, with one run of every method, and one table and figure of the first."""
    content = yaml.load((ROOT / "params.yaml").read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    runs = {row["method"]: name for name, row in reversed(content["runs"].items()) if row["init"].startswith("initial")}
    content["runs"] = {name: content["runs"][name] for name in runs.values()}
    first = next(iter(content["runs"]))
    content["tables"] = {"table": {"title": "a", "rows": {"x": [first]}, "quoted": ["y"], "added": {}}}
    content["landscapes"] = {first: {"method": "fastvqa", "data": "prepared/konvid1k", "weights": ["last_ema"]}}
    content["figures"] = {"fig1a": content["figures"]["fig1a"]}
    return {key: value for key, value in content.items() if key != "shared"} | {"shared": {}}


@functools.cache
def places() -> list[tuple]:
    """Paths of keys to every value."""
    found: list[tuple] = []

    def walk(value: Any, path: tuple) -> None:
        if path:
            found.append(path)
        if isinstance(value, dict):
            for key in value:
                walk(value[key], (*path, key))

    walk(raw(), ())
    return found


def dumped(content: Any) -> str:
    return yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True)


def check_edit(place: tuple, what: str, key: Any, value: Any) -> None:
    """One value replaced, one key renamed or one added: everything is of the type it is declared to be, or one line."""
    content = copy.deepcopy(raw())
    block = content
    for step in place[:-1]:
        block = block[step]
    if what == "value":
        block[place[-1]] = value
    elif what == "rename":
        entries = [(key if name == place[-1] else name, entry) for name, entry in block.items()]
        block.clear()
        block.update(entries)
    else:
        block[key] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(dumped(content), encoding="utf-8")
        try:
            params = load(path)
            for name, method in params.methods.items():
                run = next((run for run in params.runs.values() if run.method == name), None)
                if run is not None:
                    load_method(name, method, run)
        except ParamsError as error:
            assert_one_line(error, "params.yaml")
            return
        assert_typed(params)


def assert_typed(params: Params) -> None:
    for place in NAMED:
        for name in getattr(params, place):
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,79}", name), f"{place}: {name!r} is no name for a file"
    assert all(type(run.gamma) is float and math.isfinite(run.gamma) for run in params.runs.values())
    common = dataclasses.asdict(params.common)
    assert type(common["seed"]) is int
    assert type(common["deterministic"]) is bool


def check_written(lines: list[tuple[str, str]]) -> None:
    """Lines ``key: value`` as they stand in an editor: every key is kept, numbers are those that one reads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in lines), encoding="utf-8")
        try:
            content = read_yaml(path)
        except ParamsError as error:
            assert_one_line(error, "params.yaml")
            return
        if not isinstance(content, dict):
            return
        for key, value in lines:
            if (
                re.fullmatch("[a-z]", key)
                and re.fullmatch(r"[-+]?[0-9.]+", value)
                and isinstance(content.get(key), int | float)
            ):
                assert content[key] == float(value)
                assert not re.match(r"[-+]?0[0-9]", value)
        plain = [key for key, _ in lines if re.fullmatch("[a-z]", key)]
        if all(re.fullmatch(r"[a-z0-9.]*", value) for _, value in lines):
            assert len(set(plain)) == len(plain) == sum(key in content for key in plain)


EDITS = (st.deferred(lambda: st.sampled_from(places())), st.sampled_from(["value", "rename", "add"]), TEXTS, VALUES)
KEYS, NUMBERS = st.sampled_from("abcdef"), st.integers(0, 99).map(str)
LINES = st.lists(st.one_of(st.tuples(KEYS, NUMBERS), st.tuples(KEYS | WRITTEN, NUMBERS | WRITTEN)), max_size=5)


test_an_edit_is_typed_or_refused_in_one_line, test_an_edit_is_typed_or_refused_in_one_line_long = twins(
    check_edit, *EDITS
)
test_what_is_written_by_hand_is_read_as_it_looks, test_what_is_written_by_hand_is_read_as_it_looks_long = twins(
    check_written, LINES
)
