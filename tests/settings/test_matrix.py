"""The committed runs and tables are the paper's experiment matrix and the paper's rows."""

import csv

import pytest
from project import ROOT

from vqa.methods import load_method
from vqa.optim.perturb import build_perturbation
from vqa.settings.params import Params, load

# The experiment matrix: id -> "method, training set, id of the run it starts from", and "regularizer strength".
KONVID, UGC = "fastvqa konvid1k", "fastvqa youtubeugc"
REGULARIZERS = {
    **{"01": "", "02": "wd 0", "03": "wd 0.5", "04": "wd 0.005", "05": "wd 0.0005"},
    **{"06": "autoaugment", "07": "randaugment", "08": "trivialaugment"},
    **{"09": "rwp 0.01", "10": "rwp 0.001", "11": "rwp 0.0001", "12": "rwp 0.00001"},
}
AWP = {"0.01": "13", "0.001": "14", "0.0001": "15", "0.00001": "16"}
MATRIX = {
    **{f"A{k}": (KONVID, what) for k, what in REGULARIZERS.items()},
    **{
        f"A{k}": (KONVID, f"awp {g}") for k, g in {"13": "0.01", "14": "0.001", "15": "0.0001", "16": "0.00001"}.items()
    },
    **{f"B{k}": (UGC, what) for k, what in REGULARIZERS.items()},
    **{f"B{int(k) - 1}": (UGC, f"awp {g}") for g, k in AWP.items() if g != "0.01"},
    "C01": ("simplevqa konvid1k", ""),
    "C02": ("sama konvid1k", ""),
    "D01": ("simplevqa lsvq", ""),
    "D02": ("simplevqa lsvq", "awp 0.0001"),
    "D03": ("fastvqa lsvq", ""),
    "D04": ("fastvqa lsvq", "awp 0.0001"),
    "D05": ("fastvqa lsvq", "awp 0.01"),
    "D06": ("fastvqa lsvq", "awp 0.001"),
    "D07": ("fastvqa lsvq", "awp 0.00001"),
    "D08": ("sama lsvq", ""),
    "D09": ("sama lsvq", "awp 0.0001"),
    "E01": ("fastvqa konvid1k D03", ""),
    "E02": ("fastvqa konvid1k D04", ""),
    "E03": ("fastvqa livevqc D03", ""),
    "E04": ("fastvqa livevqc D04", ""),
    "E05": ("fastvqa youtubeugc D03", ""),
    "E06": ("fastvqa youtubeugc D04", ""),
    "E07": ("sama konvid1k D08", ""),
    "E08": ("sama konvid1k D09", ""),
    "E09": ("sama livevqc D08", ""),
    "E10": ("sama livevqc D09", ""),
    "E11": ("sama youtubeugc D08", ""),
    "E12": ("sama youtubeugc D09", ""),
    "E13": ("simplevqa konvid1k", "awp 0.0001"),
    "E14": ("simplevqa livevqc", ""),
    "E15": ("simplevqa livevqc", "awp 0.0001"),
    "E16": ("simplevqa youtubeugc", ""),
    "E17": ("simplevqa youtubeugc", "awp 0.0001"),
    "F01": ("sama_iqa koniq10k", ""),
    "F02": ("sama_iqa koniq10k", "awp 0.0001"),
    "F03": ("sama_iqa spaq", ""),
    "F04": ("sama_iqa spaq", "awp 0.0001"),
    "Q01": ("quality koniq10k", ""),
}
# The other video systems, each plain and with AWP, one after the other, on LSVQ and on the target data sets
SYSTEMS = ("tlvqm", "videval", "pvq_whole", "pvq", "vsfa", "bvqa2022", "dsdpro", "zoomvqa", "dover")
TARGETS = ("konvid1k", "livevqc", "youtubeugc")
OWN = {
    "G": [f"{method} lsvq" for method in SYSTEMS],
    "H": [
        f"{method} {target}"
        for method in ("pvq_whole", "bvqa2022", "dsdpro", "dover")
        for target in TARGETS[: 2 if method == "pvq_whole" else 3]
    ],
}
for group, rows in OWN.items():
    for number, row in enumerate(rows, 1):
        for k, what in ((2 * number - 1, ""), (2 * number, "awp 0.0001")):
            start = f" G{16 + 2 - k % 2}" if group == "H" and "dover" in row else ""
            MATRIX[f"{group}{k:02}"] = (row + start, what)
ZERO_SHOT = ("lsvq/test", "lsvq/1080p", "konvid1k/test", "livevqc/test")

# Which runs fill which row: the paper's settings or methods, in the paper's order; quoted rows left out.
ROWS = {
    "table01": {"SimpleVQA": "C01", "FAST-VQA": "A01", "SAMA": "C02"},
    "table05": {"0": "A01", **{gamma: f"A{k}" for gamma, k in AWP.items()}},
    "table06": {
        **{"SimpleVQA": "D01", "FAST-VQA": "D03", "SAMA": "D08"},
        **{"SimpleVQA+AWP": "D02", "FAST-VQA+AWP": "D04", "SAMA+AWP": "D09"},
        **{"TLVQM": "R01", "VIDEVAL": "R05", "PVQ (w/o patch)": "G05", "PVQ (w patch)": "G07"},
        **{"BVQA-2022": "G11", "DSD-PRO": "G13", "ZoomVQA": "G15", "DOVER": "G17"},
    },
    "table07": {
        **{"SimpleVQA": "C01 E14 E16", "FAST-VQA": "E01 E03 E05", "SAMA": "E07 E09 E11"},
        **{"SimpleVQA+AWP": "E13 E15 E17", "FAST-VQA+AWP": "E02 E04 E06", "SAMA+AWP": "E08 E10 E12"},
        **{"TLVQM": "R02 R03 R04", "VIDEVAL": "R06 R07 R08", "PVQ": "H01 H03", "BVQA-2022": "H05 H07 H09"},
        **{"DSD-PRO": "H11 H13 H15", "DOVER": "H17 H19 H21"},
    },
    "table08": {"SAMA": "F01 F03", "SAMA+AWP": "F02 F04"},
    "table09": {"0": "D03", "0.01": "D05", "0.001": "D06", "0.0001": "D04", "0.00001": "D07"},
    "table13": {"0": "B01", "0.001": "B13", "0.0001": "B14", "0.00001": "B15"},
}
for group, first in (("A", 2), ("B", 10)):
    ROWS[f"table{first:02}"] = {
        **{"0": f"{group}02", "0.5": f"{group}03", "0.05": f"{group}01"},
        **{"0.005": f"{group}04", "0.0005": f"{group}05"},
    }
    ROWS[f"table{first + 1:02}"] = {"base": f"{group}01", "AuA": f"{group}06", "RA": f"{group}07", "TA": f"{group}08"}
    ROWS[f"table{first + 2:02}"] = {
        **{"0": f"{group}01", "0.01": f"{group}09", "0.001": f"{group}10"},
        **{"0.0001": f"{group}11", "0.00001": f"{group}12"},
    }


@pytest.fixture(scope="module")
def params() -> Params:
    return load(ROOT / "params.yaml")


def test_the_runs_are_the_experiment_matrix(params):
    assert [name.split("-")[0] for name in params.runs] == list(MATRIX)
    groups = [name[0] for name in params.runs]
    numbers = {"A": 16, "B": 15, "C": 2, "D": 9, "E": 17, "F": 4, "Q": 1, "G": 18, "H": 22}
    assert {group: groups.count(group) for group in dict.fromkeys(groups)} == numbers


@pytest.mark.parametrize("identity", MATRIX)
def test_a_run_is_the_row_of_the_matrix(params, identity):
    (name,) = (name for name in params.runs if name.startswith(f"{identity}-"))
    run = params.runs[name]
    recipe = load_method(run.method, params.methods[run.method], run).config
    (method, train, *parent), (kind, _, strength) = MATRIX[identity][0].split(), MATRIX[identity][1].partition(" ")
    assert (run.method, run.train) == (method, train)
    assert [(run.parent or "").split("-")[0]] == (parent or [""])
    assert run.test == (ZERO_SHOT if train == "lsvq" else (f"{train}/test",))
    own = params.methods[method].get("weight_decay", 0)
    assert recipe.weight_decay == (float(strength) if kind == "wd" else own)
    assert run.augmentation == (kind if kind.endswith("augment") else "none")
    expected = (kind, float(strength)) if kind in ("rwp", "awp") else ("none", 0.0)
    expected = ("none", 0.0) if run.parent else expected  # the training that it starts from was perturbed
    assert (run.perturbation, run.gamma) == params.perturbation(run) == expected
    build_perturbation(run.perturbation, run.gamma, params.common.perturbing.tensors, "box")
    cuts = run.partition.seeds if run.partition else ()
    whole = train == "konvid1k" and not run.parent  # the list has a split of its own
    assert bool(cuts) == (identity[0] == "F" or (identity[0] in "EH" and not whole))
    assert identity[0] not in "EH" or cuts in ((), (42,)), "the released code fine-tunes on one cut"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_table_rows_are_the_papers_in_its_order(params, name):
    with (ROOT / "reports" / "paper" / f"{name}.csv").open() as stream:
        cells = list(csv.DictReader(stream))
    keys = list(dict.fromkeys(row["setting"] if "=" in row["setting"] else row["method"] for row in cells))
    table = params.tables[name]
    assert list(table.rows) == [key for key in keys if key in table.rows]
    assert set(table.quoted) == set(keys) - set(table.rows)
    found = {key.rpartition("=")[2]: " ".join(run.split("-")[0] for run in runs) for key, runs in table.rows.items()}
    assert found == ROWS[name]


def test_every_run_is_used_by_a_table(params):
    tables = params.tables.values()
    used = {run for table in tables for rows in (table.rows, table.added) for runs in rows.values() for run in runs}
    assert used == {*params.runs, *params.regressions} - {"Q01-quality-koniq10k"}, "which extracts features"


def test_all_rows_of_systems_are_run_but_one_and_each_has_its_twin(params):
    assert params.tables["table06"].quoted == ("Q-ALIGN",)
    assert not params.tables["table07"].quoted
    for name in ("tableD", "tableE"):
        rows = set(params.tables[name].added)
        assert {f"{row}+AWP" for row in rows if not row.endswith("+AWP")} == {r for r in rows if r.endswith("+AWP")}
