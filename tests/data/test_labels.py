"""Label lists of the suite's own form, as editors and spreadsheets leave them: read rightly, or refused in one line."""

import codecs
import os
import unicodedata
from pathlib import Path

import pytest
from clips import numbered_frames, write_video

from vqa.data.items import PreparedDataset
from vqa.data.labels import read_labels
from vqa.data.prepare import prepare
from vqa.data.provided import link_listed
from vqa.io import InputError

PLAIN = [("a.mp4", 3.2, "train"), ("b.mp4", 2.1, "train"), ("c.mp4", 4.5, "test")]
TEXT = "name,mos,split\na.mp4,3.2,train\nb.mp4,2.1,train\nc.mp4,4.5,test\n"
COMPOSED, APART = (unicodedata.normalize(form, "café.mp4") for form in ("NFC", "NFD"))


def rows(path: Path) -> list[tuple]:
    return list(read_labels(path).itertuples(index=False, name=None))


@pytest.fixture
def listed(tmp_path: Path):
    """Write a list and read it."""

    def write(content: str | bytes) -> list[tuple]:
        path = tmp_path / "labels.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return rows(path)

    return write


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace(",", ", "),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", ";").replace("3.2", "3,2"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace("2.1,train", "2.1,train "),
        TEXT.replace("2.1,train", "2.1,Training"),
        TEXT.replace("2.1,train", "2.1,\u00a0train"),
        TEXT.replace("b.mp4", '"b.mp4"').replace("\nc", "\n\n   \nc"),
        TEXT.rstrip("\n"),
        codecs.BOM_UTF8 + TEXT.encode(),
        *(TEXT.encode(encoding) for encoding in ("utf-16", "utf-32")),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)
def test_every_way_to_write_a_list_says_the_same(listed, content):
    assert listed(content) == PLAIN


def test_no_name_and_no_split_is_taken_for_something_else(listed):
    names = ["NA", "nan", "None", "null", "True", "0012", "1e3", "N/A", 'the "best".mp4', "a, b.mp4", "-", "#N/A"]
    quoted = [name.replace('"', '""') for name in names]
    text = "name,mos,split\n" + "".join(f'"{name}",{i},all\n' for i, name in enumerate(quoted))
    assert listed(text) == [(name, float(i), "all") for i, name in enumerate(names)]


WRONG = {
    "a comma too much": ("name,mos,split\na.mp4,3.2,train,\n", "line 2 has 4 fields, the first line 3"),
    "a comma too much in one line": (TEXT.replace("4.5,test", "4.5,test,"), "line 4 has 4 fields, the first line 3"),
    "a comma too few": (TEXT.replace("2.1,train", "2.1"), "line 3 has 2 fields, the first line 3"),
    "a field too much in all lines": (TEXT.replace("\n", ",\n"), "columns are ['name', 'mos', 'split', '']"),
    "one field": (TEXT.replace("b.mp4,2.1,train", "# b"), "line 3 has 1 field, the first line 3"),
    "commas alone": (TEXT + ",,\n", "line 5 is empty but for its separators; take it out"),
    "truth values": (TEXT.replace("3.2", "True"), "line 2: 'True' is no MOS"),
    "no MOS": (TEXT.replace("2.1", ""), "line 3: '' is no MOS"),
    "an absent MOS": (TEXT.replace("2.1", "NA"), "line 3: 'NA' is no MOS"),
    "an infinite MOS": (TEXT.replace("2.1", "1e999"), "line 3: '1e999' is no MOS"),
    "an underscore": (TEXT.replace("2.1", "2_1"), "line 3: '2_1' is no MOS"),
    "other digits": (TEXT.replace("2.1", "٢"), "line 3: '٢' is no MOS"),
    "a decimal comma": (TEXT.replace("2.1", '"2,1"'), "line 3: '2,1' is no MOS"),
    "no name": (TEXT.replace("b.mp4", ""), "line 3 has no name"),
    "no split": (TEXT.replace("2.1,train", "2.1,"), "line 3: column 'split' says '', which is none of train, test"),
    "an unknown split": (TEXT.replace("2.1,train", "2.1,trian"), "says 'trian', which is none of"),
    "a hint": (TEXT.replace("2.1,train", "2.1,trian"), "(did you mean 'train'?)"),
    "an invisible letter": (TEXT.replace("2.1,train", "2.1,train\u200b"), "says 'train\\u200b', which is none"),
    "the same name twice": (TEXT.replace("c.mp4", "a.mp4"), "line 4: a.mp4 is there already, in line 2"),
    "the same after its blanks": (TEXT.replace("c.mp4", "a.mp4 "), "line 4: a.mp4 is there already, in line 2"),
    "the same accents": (f"name,mos,split\n{COMPOSED},1,all\n{APART},2,all\n", "is there already, in line 2"),
    "an open quote": (TEXT.replace("b.mp4", '"b.mp4'), "line 3: a quote does not close where its cell ends"),
    "an open quote that swallows a row": (TEXT.replace("b.mp4", '"b.mp4').replace("c.mp4", 'c.mp4"'), "line 3: "),
    "a quote that joins two rows": (
        TEXT.replace("a.mp4,3.2,train\nb.mp4", '"a.mp4,3.2,train\nb.mp4"'),
        "line 2: a quote opens a cell that goes on in the next line",
    ),
    "quotes that swallow a row": ('name,mos,split\n",0.0,train\n",0.0,train\n', "line 2: a quote opens a cell"),
    "a bell": (TEXT.replace("b.mp4", "b\a.mp4"), "line 3: name 'b\\x07.mp4' has a control character"),
    "a quote in the middle": (TEXT.replace("b.mp4", '"b".mp4'), "line 3: a quote does not close where its cell ends"),
    "Latin-1": (TEXT.replace("b.mp4", "é.mp4").encode("latin-1"), "line 3: not text in UTF-8"),
    "half of UTF-16": (TEXT.encode("utf-16")[:-1], "not text in UTF-16"),
    "UTF-16 without its mark": (TEXT.encode("utf-16-le"), "line 1: has a byte 0"),
    "a name that climbs out": (TEXT.replace("b.mp4", "../b.mp4"), "line 3: '../b.mp4' is not a plain relative path"),
    "no items": ("name,mos,split\n\n", "lists no items"),
    "nothing": (" \n", "is empty"),
    "other columns": ("name,mos,part\na,1,all\n", "columns are ['name', 'mos', 'part'], expected ['name', 'mos',"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line_with_file_line_and_value(listed, tmp_path, case):
    content, message = WRONG[case]
    with pytest.raises(InputError) as error:
        listed(content)
    assert str(error.value).startswith(f"{tmp_path / 'labels.csv'}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_in_the_place_of_a_list_is_named(tmp_path):
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(InputError, match=r"labels\.csv: no label list"):
        read_labels(tmp_path / "labels.csv")


# --- the files of a list


@pytest.mark.parametrize("content", [TEXT, TEXT.encode("utf-16"), TEXT.replace(",", ", "), TEXT.replace("a.mp4", "NA")])
def test_every_row_is_an_item_that_is_prepared_and_read_again(tmp_path, content):
    source = tmp_path / "source"
    names = ["NA" if "NA" in str(content) else "a.mp4", "b.mp4", "c.mp4"]
    for name in names:
        write_video(tmp_path / "clip.mp4", numbered_frames(8))
        source.mkdir(exist_ok=True)
        os.replace(tmp_path / "clip.mp4", source / name)
    (source / "labels.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    link_listed(source / "labels.csv", source, tmp_path / "data")
    report = prepare(tmp_path / "data", tmp_path / "prepared", "stop", frame_store=False)
    assert report["listed"] == report["usable"] + len(report["excluded"]) == 3
    data = PreparedDataset(tmp_path / "prepared", tmp_path / "data")
    assert [item.name for item in data.items("all")] == names
    assert [item.name for item in data.items("train")] == names[:2]
    assert {split: part["items"] for split, part in report["splits"].items()} == {"train": 2, "test": 1}


@pytest.mark.parametrize(("name", "file"), [(COMPOSED, APART), (APART, COMPOSED)])
def test_a_name_whose_accents_are_composed_otherwise_finds_its_file(tmp_path, name, file):
    source, folder = tmp_path / "source", file.replace(".mp4", "")
    (source / folder).mkdir(parents=True)
    (source / folder / file).write_text("content")
    wanted = f"{name.replace('.mp4', '')}/{name}"
    (source / "labels.csv").write_text(f"name,mos,split\n{wanted},1,all\n")
    link_listed(source / "labels.csv", source, tmp_path / "data")
    assert (tmp_path / "data" / wanted).read_text() == "content"


def test_of_two_files_that_differ_in_accents_alone_the_very_one_is_taken(tmp_path):
    for name in (COMPOSED, APART):
        (tmp_path / name).write_text(name)
    (tmp_path / "labels.csv").write_text(f"name,mos,split\n{APART},1,all\n")
    link_listed(tmp_path / "labels.csv", tmp_path, tmp_path / "data" / "x")
    assert (tmp_path / "data" / "x" / APART).read_text() == APART


def test_a_name_that_no_file_can_have_is_a_missing_file(tmp_path):
    (tmp_path / "labels.csv").write_text(f"name,mos,split\n{'x' * 300},1,all\n")
    with pytest.raises(InputError, match="1 of 1 files are missing, the first: xxx"):
        link_listed(tmp_path / "labels.csv", tmp_path, tmp_path / "data" / "x")
