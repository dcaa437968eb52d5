"""Published predictions, results and logs as they are: what was measured of them, on a mirror of the real files."""

from pathlib import Path

import pandas as pd
import pytest
from mirror import brought, mirror_folder
from scipy.stats import pearsonr, spearmanr

from vqa.data.published import results
from vqa.data.published.joins import published_labels
from vqa.data.published.tables import DOVER_TESTS, dover_scores, read_published
from vqa.io import InputError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Entries with predictions and results, and the labels that they belong to."""
    labels = (f"{name}-labels" for name in ("konvid1k", "livevqc", "youtubeugc", "lsvq"))
    return brought(tmp_path_factory.mktemp("published"), "dover", "bvqa2022", "fastvqa", "sama-log", *labels)


@pytest.mark.parametrize(
    ("test", "srcc", "plcc"),
    [
        ("lsvq_test", 0.8880, 0.8885),
        ("lsvq_1080p", 0.7945, 0.8300),
        ("konvid1k", 0.8825, 0.8823),
        ("livevqc", 0.8319, 0.8539),
        ("youtubeugc", 0.7695, 0.7851),
    ],
)
def test_dovers_predictions_give_its_figures(root, test, srcc, plcc):
    table = dover_scores(test, root / "dover")
    z = (table[["technical", "aesthetic"]] - table[["technical", "aesthetic"]].mean()) / table[
        ["technical", "aesthetic"]
    ].std(ddof=0)
    fused = 0.6104 * z.technical + 0.3896 * z.aesthetic
    assert spearmanr(fused, table.mos).statistic == pytest.approx(srcc, abs=1e-4)
    assert pearsonr(fused, table.mos).statistic == pytest.approx(plcc, abs=1e-4)
    assert "/" in table.name[0] or not test.startswith("lsvq")
    dataset, _, split = test.partition("_")
    labels = published_labels(dataset, root / f"{dataset}-labels", "dover" if test == "youtubeugc" else "")
    assert set(table.name) == set(labels.name[labels.split == split] if split else labels.name)
    assert set(read_published("dover", root / "dover")) == set(DOVER_TESTS)


def test_bvqa2022_predictions_give_its_medians(root):
    table = results.read_bvqa_predictions(root / "bvqa2022" / "results.zip")
    assert list(table.columns) == results.PREDICTIONS
    sizes = {"konvid1k": 240, "livevqc": 117, "youtubeugc": 229, "cvd2014": 47, "livequalcomm": 42}
    assert table.groupby("dataset").row.max().add(1).to_dict() == sizes
    medians = {
        ("BVQA-2022", "konvid1k"): 0.8354,
        ("BVQA-2022", "livevqc"): 0.8414,
        ("BVQA-2022", "youtubeugc"): 0.8252,
        ("BVQA-2022", "cvd2014"): 0.8626,
        ("BVQA-2022", "livequalcomm"): 0.8334,
        ("MDTVSFA", "konvid1k"): 0.7944,
        ("MDTVSFA", "livevqc"): 0.7176,
        ("MDTVSFA", "youtubeugc"): 0.7873,
    }
    for (method, dataset), median in medians.items():
        part = table[(table.method == method) & (table.dataset == dataset)]
        ranks = part[["mos", "prediction"]].groupby(part.split).rank()
        ours = ranks.groupby(part.split).corr().xs("mos", level=1).prediction.median()
        assert ours == pytest.approx(median, abs=1e-4), (method, dataset)


def test_results_of_other_methods_give_their_medians(root):
    table = results.read_bvqa_splits(root / "bvqa2022" / "results.zip")
    assert table.method.nunique() == 15
    assert len(table) == 15 * 5 * 100 * 2
    medians = table[table.part == "test"].groupby(["method", "dataset"])[["srcc", "plcc"]].median()
    for (method, dataset), expected in {
        ("TLVQM", "konvid1k"): (0.7588, 0.7599),
        ("TLVQM", "livevqc"): (0.7878, 0.7943),
        ("TLVQM", "youtubeugc"): (0.6569, 0.6470),
        ("VIDEVAL", "konvid1k"): (0.7705, 0.7710),
        ("VIDEVAL", "livevqc"): (0.7438, 0.7476),
        ("VIDEVAL", "youtubeugc"): (0.7763, 0.7716),
    }.items():
        assert tuple(medians.loc[(method, dataset)].round(4)) == expected
    train = table[(table.part == "train") & (table.method == "TLVQM") & (table.dataset == "konvid1k")]
    assert tuple(train[["srcc", "plcc"]].median().round(4)) == (0.9032, 0.9049)
    gaps = table[table.isna().any(axis=1)]
    assert set(zip(gaps.method, gaps.dataset, gaps.part, strict=True)) == {("VIIDEO", "livequalcomm", "test")}


def test_samas_log_gives_its_figures(root):
    table = read_published("sama-log", root / "sama-log")["epochs"]
    assert len(table) == 30 * 4
    last = table[table.epoch == 29].set_index("test")
    assert set(last.train_srcc) == {0.9508}
    assert last.videos.to_dict() == {"livevqc": 585, "konvid1k": 1200, "lsvq/test": 7182, "lsvq/1080p": 3573}
    ours = {test: (row.srcc, row.plcc, row.best_srcc, row.best_plcc) for test, row in last.iterrows()}
    assert ours == {
        "lsvq/test": (0.8787, 0.8800, 0.8827, 0.8835),
        "lsvq/1080p": (0.7771, 0.8166, 0.7818, 0.8223),
        "konvid1k": (0.8637, 0.8614, 0.8795, 0.8773),
        "livevqc": (0.8151, 0.8369, 0.8336, 0.8486),
    }
    best = table.groupby("test").srcc.max()
    assert best.to_dict() == {test: row[2] for test, row in ours.items()}, "the best is the best of the epochs"


def test_fastvqas_results(root):
    table = read_published("fastvqa", root / "fastvqa")["splits"]
    assert len(table) == 9 * 10
    medians = table.groupby(["release", "start", "dataset"])[["srcc", "plcc"]].median().round(4)
    assert tuple(medians.loc[("fastvqa", "lsvq", "konvid1k")]) == (0.8877, 0.8889)
    assert tuple(medians.loc[("fastvqa", "lsvq", "youtubeugc")]) == (0.8586, 0.8545)
    assert tuple(medians.loc[("fastvqa", "kinetics", "livevqc")]) == (0.7598, 0.7881)


def test_a_cut_log_is_refused(root, tmp_path):
    text = (root / "sama-log" / "log.txt").read_text(errors="replace")
    (tmp_path / "log.txt").write_text(text[: text.rindex("[val-l1080p_s]")])
    with pytest.raises(InputError, match="not a log with the results of 4 test sets after every epoch"):
        results.read_sama_log(tmp_path / "log.txt")


def test_an_archive_without_splits_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "results.zip", "w") as archive:
        archive.writestr("QPMP-['K']-0.0005-32-40-EXP0.npy", b"no array")
    with pytest.raises(InputError, match=r"EXP0\.npy: not a \.npy file"):
        results.read_bvqa_predictions(tmp_path / "results.zip")
    with pytest.raises(InputError, match="has no results of splits"):
        results.read_bvqa_splits(tmp_path / "results.zip")


def test_clips_are_named_by_data_set(tmp_path):
    mirror_folder()
    table = read_published("clips", brought(tmp_path, "clips") / "clips")["clips"]
    assert isinstance(table, pd.DataFrame)
    assert table.dataset.value_counts().to_dict() == {"odd": 15, "konvid1k": 4, "spaq": 3, "lsvq": 1, "koniq10k": 1}
    assert all(Path(path).is_file() for path in table.path)
