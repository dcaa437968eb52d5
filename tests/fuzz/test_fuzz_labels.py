"""Label lists of any dialect, encoding and state of damage: every row is an item, or one line refuses the list."""

import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fuzzing import assert_one_line, twins
from hypothesis import strategies as st

from vqa.data.labels import SPLITS, read_labels
from vqa.data.provided import link_listed
from vqa.io import InputError
from vqa.new.labels import read_any_labels

Row = tuple[str, float, str]

ODD_NAMES = (
    "NA",
    "nan",
    "None",
    "True",
    "0012",
    "1e3",
    "#N/A",
    "café.mp4",
    "cafe\u0301.mp4",
    "a b.mp4",
    "视频.mp4",
    "a,b;c",
)
NAMES = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.text("abAB01 ._-,;|'\"é\u0301日", min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda name: name and name not in (".", "..")),
)
ODD_CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "NA", "True", "nan", "inf", "1e999", "1_0", "3,2", "٣", "0x1", "train ", " Test", "trian"]
    ),
    st.sampled_from(
        ['"', '""', '"a', 'a"b', "'", "\u200b", "\u00a0", "-", "/etc/passwd", "../x", "a\\b", "x\ny", "a\0"]
    ),
    st.text(max_size=6),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


@dataclass(frozen=True)
class Dialect:
    separator: str
    blank: str
    end: str
    encoding: str
    quoted: bool


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    blank=st.sampled_from(["", " "]),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    encoding=st.sampled_from(ENCODINGS),
    quoted=st.booleans(),
)


@st.composite
def lists(draw: st.DrawFn) -> list[Row]:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=lambda name: unicodedata.normalize("NFC", name)))
    scores, splits = st.integers(-400, 400).map(lambda n: n / 8), st.sampled_from(["train", "test", "all", "1080p"])
    return [(name, draw(scores), draw(splits)) for name in names]


def cell(text: str, dialect: Dialect) -> str:
    needed = dialect.quoted or dialect.separator in text or '"' in text
    return '"{}"'.format(text.replace('"', '""')) if needed else text


def written(rows: list[list[str]], dialect: Dialect, quote: bool = True) -> bytes:
    """The rows below the header, as a program of that dialect saves them."""
    between = dialect.separator + dialect.blank
    lines = [between.join(cell(text, dialect) if quote else text for text in row) for row in rows]
    return dialect.end.join([between.join(("name", "mos", "split")), *lines, ""]).encode(dialect.encoding)


def texts(rows: list[Row]) -> list[list[str]]:
    return [[name, repr(mos), split] for name, mos, split in rows]


def lines_of(content: bytes) -> int:
    """Lines that are not blank, in the encoding that the content states."""
    marks = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = next((name for mark, name in marks.items() if content.startswith(mark)), "utf-8-sig")
    return sum(bool(line.strip()) for line in re.split(r"\r\n|\r|\n", content.decode(encoding)))


def check_sound(rows: list[Row], dialect: Dialect) -> None:
    """What was written is what is read, by both readers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        path.write_bytes(written(texts(rows), dialect))
        assert list(read_labels(path).itertuples(index=False, name=None)) == rows
        if len({mos for _, mos, _ in rows}) > 1:
            table = read_any_labels(path).table
            assert list(table.itertuples(index=False, name=None)) == [row[:2] for row in rows]


def check_damaged(content: bytes) -> None:
    """Every line is an item, or the list is refused in one line; the same when its files are linked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source" / "labels.csv"
        path.parent.mkdir()
        path.write_bytes(content)
        try:
            table = read_labels(path)
        except InputError as error:
            assert_one_line(error, f"{path}: ")
        else:
            assert len(table) == lines_of(content) - 1
            assert table.name.is_unique
            assert table.name.str.len().min() > 0
            assert table.mos.map(lambda mos: abs(mos) < float("inf")).all()
            assert set(table.split) <= set(SPLITS.values())
        try:
            found = read_any_labels(path).table
        except InputError as error:
            assert_one_line(error, f"{path}: ")
        else:
            assert lines_of(content) - 1 <= len(found) <= lines_of(content), "with a header or without one"
        try:
            link_listed(path, path.parent, Path(folder) / "out")
        except InputError as error:
            assert_one_line(error, str(path.parent))
        assert not (Path(folder) / "out").exists(), "none of the files is there"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A list of which a cell was replaced, lost or added, a row is there twice, a quote strays, or bytes differ."""
    rows, dialect = texts(draw(lists())), draw(DIALECTS)
    place = draw(st.integers(0, len(rows) - 1))
    what = draw(st.sampled_from(["cell", "lost", "added", "twice", "bytes", "cut", "garbage"]))
    if what == "cell":
        rows[place][draw(st.integers(0, 2))] = draw(ODD_CELLS)
    elif what == "lost":
        rows[place].pop(draw(st.integers(0, 2)))
    elif what == "added":
        rows[place].insert(draw(st.integers(0, 3)), draw(ODD_CELLS))
    elif what == "twice":
        rows.append(list(rows[place]))
    content = written(rows, dialect, quote=draw(st.booleans()))
    if what == "bytes":
        start = draw(st.integers(0, len(content) - 1))
        content = content[:start] + draw(st.binary(max_size=3)) + content[start + 1 :]
    elif what == "cut":
        content = content[: draw(st.integers(0, len(content)))]
    elif what == "garbage":
        content = draw(st.binary(max_size=60))
    return content


test_what_was_written_is_read, test_what_was_written_is_read_long = twins(check_sound, lists(), DIALECTS)
test_no_row_of_a_damaged_list_is_lost, test_no_row_of_a_damaged_list_is_lost_long = twins(check_damaged, damaged())
