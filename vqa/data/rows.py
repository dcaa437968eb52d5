"""Tables that people made, as text and nothing else: no cell is taken for a number, a truth value or a missing one.

What a table says of its items is read from these cells by :mod:`vqa.data.labels`, :mod:`vqa.data.formats` and
:mod:`vqa.new.labels`, which all refuse in the same words: file, line and value.
"""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqa.data.listed import can_be_listed, composed, shown
from vqa.io import InputError

# The first one that occurs most often in the first line; a comma may be a decimal point, so that it comes late.
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
BLANK = " "
# UTF-32 before UTF-16: the mark of one begins like that of the other.
_MARKS = {
    **{codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig"},
    **{codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"},
}
# What float() takes besides is a slip in a list: 1_000, infinity, digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Rows:
    """Cells of a table.

    Attributes:
        path: the file.
        separator: what stands between the cells.
        rows: number of the line, from 1, and cells without blanks around them, of every line that is not empty; all
            have the same number of cells, and there is at least one row.
    """

    path: Path
    separator: str
    rows: list[tuple[int, list[str]]]

    @property
    def header(self) -> list[str]:
        """Cells of the first row."""
        return self.rows[0][1]

    def without_header(self) -> "Rows":
        """All rows but the first; InputError if there are none."""
        if len(self.rows) < 2:
            raise InputError(f"{self.path}: lists no items")
        return Rows(self.path, self.separator, self.rows[1:])

    def column(self, place: int) -> list[tuple[int, str]]:
        """Number of the line and cell of every row."""
        return [(line, cells[place]) for line, cells in self.rows]

    def numbers(self, place: int, what: str) -> np.ndarray:
        """A column of finite numbers ``(n,)`` float64; a comma is the decimal point where it is not the separator.

        Raises:
            InputError: for a cell that is none; ``what`` says what should stand there.
        """
        values = [number(text, self.separator) for _, text in self.column(place)]
        for (line, text), value in zip(self.column(place), values, strict=True):
            if value is None:
                raise InputError(f"{self.path}: line {line}: {text!r} is no {what}")
        return np.array(values, dtype=np.float64)

    def names(self, place: int) -> list[str]:
        """A column of names.

        Raises:
            InputError: for a name that is empty, is there twice (up to how letters with accents are composed, which is
                one file to many systems), or holds a line break or another control character.
        """
        seen: dict[str, int] = {}
        for line, name in self.column(place):
            if not name:
                raise InputError(f"{self.path}: line {line} has no name")
            if not can_be_listed(name):
                raise InputError(f"{self.path}: line {line}: name {name!r} has a control character")
            if composed(name) in seen:
                first = seen[composed(name)]
                raise InputError(f"{self.path}: line {line}: {shown(name)} is there already, in line {first}")
            seen[composed(name)] = line
        return [name for _, name in self.column(place)]


def read_rows(path: Path) -> Rows:
    """Read a table of text in UTF-8 or UTF-16, separated by comma, semicolon, tab, bar or, without any, by blanks.

    Raises:
        InputError: in one line, with its place: the file cannot be read, is not such text, or is empty; a quote that is
            not closed in its line, or closed in the middle of a cell; a row with another number of cells than others.
    """
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: is empty")
    counts = {separator: first.count(separator) for separator in SEPARATORS}
    separator = max(counts, key=lambda char: counts[char]) if any(counts.values()) else BLANK
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            # A quote that was not meant as one would join rows, whatever column it is in.
            if reader.line_num > line:
                raise InputError(
                    f"{path}: line {line}: a quote opens a cell that goes on in the next line; close it there"
                )
            cells = [cell.strip() for cell in cells]
            # An empty line lists nothing; one of separators alone may be an item that lost its cells.
            if any(cells) or (len(cells) > 1 and separator != BLANK):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:  # its words name the separator, which may be a tab
        raise InputError(f"{path}: line {line}: a quote does not close where its cell ends") from None
    width = len(rows[0][1])
    for line, cells in rows:
        if len(cells) != width:
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            raise InputError(f"{path}: line {line} has {fields}, the first line {width}")
        if not any(cells):
            raise InputError(f"{path}: line {line} is empty but for its separators; take it out")
    return Rows(path, separator, rows)


def number(text: str, separator: str = ",") -> float | None:
    """The finite number that a cell says, None if it says none."""
    plain = text if separator == "," else text.replace(",", ".")
    value = float(plain) if _NUMBER.fullmatch(plain) else np.nan
    return value if np.isfinite(value) else None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        known = "UTF-8" if encoding == "utf-8" else encoding.upper()
        raise InputError(f"{path}: line {line}: not text in {known} ({error.reason}): save it as UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}: line {line}: has a byte 0, so it is no text in UTF-8: save it as such")
    return text
