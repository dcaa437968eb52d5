"""Label lists as people have them: every header, separator and encoding, and what is refused."""

import codecs
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vqa.io import InputError
from vqa.new.labels import NAMES, SCORES, read_any_labels


def read(folder: Path, text: str | bytes, **columns: str):
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_any_labels(path, **columns)


def rows(labels) -> list[tuple[str, float]]:
    return list(labels.table[["name", "mos"]].itertuples(index=False, name=None))


SOUND = [("a.mp4", 3.25), ("b.mp4", 2.0)]


@pytest.mark.parametrize(
    "text",
    [
        "name,mos\na.mp4,3.25\nb.mp4,2\n",
        "filename,MOS\r\na.mp4,3.25\r\nb.mp4,2\r\n",
        "Video Name;Mean Opinion Score\na.mp4;3,25\nb.mp4;2,0\n",
        "MOS\tfps\tvideo\n3.25\t25\ta.mp4\n2\t30\tb.mp4\n",
        "name, score\na.mp4, 3.25\nb.mp4, 2\n",
        "video_path|quality score\na.mp4|3.25\nb.mp4|2\n",
        'name,mos\n"a.mp4","3.25"\n\nb.mp4,2\n',
        "name mos\na.mp4 3.25\nb.mp4 2\n",
        "a.mp4, 8.0, 29.97, 3.25\nb.mp4, 8.0, 30, 2\n",
        codecs.BOM_UTF8 + b"name,mos\r\na.mp4,3.25\r\nb.mp4,2\r\n",
        "name,mos\na.mp4,3.25\nb.mp4,2\n".encode("utf-16"),
    ],
)
def test_all_usual_forms_say_the_same(tmp_path, text):
    assert rows(read(tmp_path, text)) == SOUND


@pytest.mark.parametrize("name", NAMES)
def test_every_usual_header_of_a_name_is_understood(tmp_path, name):
    assert rows(read(tmp_path, f"extra,{name.upper()},mos\n9,a.mp4,3.25\n8,b.mp4,2\n")) == SOUND


@pytest.mark.parametrize("mos", SCORES)
def test_every_usual_header_of_a_mos_is_understood(tmp_path, mos):
    assert rows(read(tmp_path, f"extra,name,{mos.title()}\n9,a.mp4,3.25\n8,b.mp4,2\n")) == SOUND


def test_what_was_taken_for_what_is_said(tmp_path):
    said = read(tmp_path, "Video;Score\na.mp4;3\nb.mp4;2\n").said
    assert said == "labels.csv: column 'Video' for the name, column 'Score' for the MOS, semicolon between them"
    assert "no header" in read(tmp_path, "a.mp4 3\nb.mp4 2\n").said


def test_columns_can_be_named_and_the_likeliest_comes_first(tmp_path):
    text = "name,alias,score,mos\na.mp4,x.mp4,1,3.25\nb.mp4,y.mp4,5,2\n"
    assert rows(read(tmp_path, text)) == SOUND
    assert rows(read(tmp_path, text, name="alias", mos="score")) == [("x.mp4", 1.0), ("y.mp4", 5.0)]


def test_a_file_called_NA_keeps_its_name_and_a_comma_in_quotes_is_no_separator(tmp_path):  # noqa: N802
    assert rows(read(tmp_path, 'name,mos\nNA,3\n"a, b.mp4",2\n')) == [("NA", 3.0), ("a, b.mp4", 2.0)]


def test_a_split_column_is_read_whatever_its_case(tmp_path):
    labels = read(tmp_path, "name,mos,part\na.mp4,3.25,Training\nb.mp4,2,TEST \n", split="part")
    assert labels.table.split.tolist() == ["train", "test"]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", {}, "is empty"),
        ("name,mos\n", {}, "lists no items"),
        ("name\na.mp4\n", {}, "one column alone"),
        ("alpha,beta\na.mp4,high\n", {}, "no header says which column is what: 'alpha', 'beta'"),
        ("name,dmos\na.mp4,3\nb.mp4,2\n", {}, "no usual name of a column for mos among 'name', 'dmos'"),
        ("name,mos\na.mp4,3\nb.mp4,2\n", {"mos": "score"}, "no column 'score' among 'name', 'mos'"),
        ("name,mos,MOS\na.mp4,3,1\nb.mp4,2,1\n", {}, "several columns are called 'mos'; name one by --mos"),
        ("name,mos\na.mp4,3\nb.mp4,high\n", {}, "line 3: 'high' is no MOS"),
        ("name,mos\na.mp4,True\nb.mp4,nan\n", {}, "line 2: 'True' is no MOS"),
        ("name,mos\na.mp4,3\nb.mp4,inf\n", {}, "line 3: 'inf' is no MOS"),
        ("name,mos\na.mp4,3,\nb.mp4,2,\n", {}, "line 2 has 3 fields, the first line 2"),
        ("name,mos\na.mp4,3\n,2\n", {}, "line 3 has no name"),
        ("name,mos\na.mp4,3\nb.mp4,2\na.mp4,1\n", {}, "line 4: a.mp4 is there already, in line 2"),
        ("name,mos\na.mp4,3\nb.mp4,3\n", {}, "all 2 items have the same MOS, 3"),
        ("name,mos,part\na.mp4,3,train\nb.mp4,2,val\n", {"split": "part"}, "line 3: column 'part' says 'val'"),
        (b"name,mos\n\xe9.mp4,3\n", {}, "not text in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(tmp_path, text, columns, message):
    with pytest.raises(InputError) as error:
        read(tmp_path, text, **columns)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "labels.csv"))
    assert "\n" not in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_any_labels(tmp_path / "none.csv")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    names=st.lists(st.text("abcXYZ012 ._-,;'", min_size=1).map(str.strip).filter(bool), unique=True, min_size=2),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_what_was_written_is_read(tmp_path, names, separator, end, data):
    scores = data.draw(st.lists(st.integers(-100, 100), min_size=len(names), max_size=len(names), unique=True))
    lines = [f'"{name}"{separator}{score / 4}' for name, score in zip(names, scores, strict=True)]
    labels = read(tmp_path, end.join([f"name{separator}mos", *lines]))
    assert rows(labels) == [(name, score / 4) for name, score in zip(names, scores, strict=True)]
