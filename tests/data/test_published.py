"""Published labels and features as they are: what was measured of them, on a mirror of the real files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from mirror import brought
from scipy.stats import spearmanr

from vqa.data.published import joins
from vqa.data.published.entries import PUBLISHED, fetch_entry, published_entry
from vqa.data.published.features import DATASETS, GREYSCALE, WIDTHS, feature_table
from vqa.data.published.index import FILES
from vqa.data.published.joins import published_labels
from vqa.data.published.tables import read_published
from vqa.io import InputError
from vqa.settings.strict import ParamsError

# Rows of VIDEVAL's metadata of YouTube-UGC, from 1, that its protocol leaves out.
GREYSCALE_ROWS = [
    *(3, 6, 10, 22, 23, 46, 51, 52, 68, 74, 77, 99, 103, 122, 136, 141, 158, 173, 368, 426, 467, 477, 506, 563, 594),
    *(639, 654, 657, 666, 670, 671, 681, 690, 697, 702, 703, 710, 726, 736, 764, 768, 777, 786, 796, 977, 990, 1012),
    *(1015, 1023, 1091, 1118, 1205, 1282, 1312, 1336, 1344, 1380),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All published entries, from the mirror."""
    return brought(tmp_path_factory.mktemp("published"), *(name for name in PUBLISHED if name != "clips"))


@pytest.fixture
def copy(root: Path, tmp_path: Path):
    """Make a changed copy of an entry."""

    def change(entry: str, path: str, old: str, new: str) -> Path:
        shutil.copytree(root / entry, tmp_path / entry)
        text = (tmp_path / entry / path).read_text()
        assert old in text
        (tmp_path / entry / path).write_text(text.replace(old, new, 1))
        return tmp_path / entry

    return change


# --- entries


def test_entries_are_declared_whole():
    assert {key for entry in PUBLISHED.values() for key in entry.files.values()} == set(FILES)
    for name, entry in PUBLISHED.items():
        assert entry.name == name
        assert entry.content
        assert entry.rows
        for path, source in entry.sources.items():
            assert source.url.startswith("https://")
            assert len(source.sha256) == 64
            assert source.licence
            assert source.remote(path).path == path
    assert PUBLISHED["bvqa2022"].size == 3285719
    with pytest.raises(ParamsError, match=r"'vidval' is not defined \(did you mean 'videval'\?\)"):
        published_entry("vidval")


def test_a_flipped_byte_in_the_mirror_is_caught_and_named(root, tmp_path, monkeypatch):
    source = PUBLISHED["koniq10k-labels"].sources["distributions.csv"]
    copy = tmp_path / "mirror" / source.url.removeprefix("https://")
    copy.parent.mkdir(parents=True)
    data = bytearray((root / "koniq10k-labels" / "distributions.csv").read_bytes())
    data[1000] ^= 1
    copy.write_bytes(data)
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(InputError, match=r"sha256 is .* expected") as caught:
        fetch_entry("koniq10k-labels", tmp_path / "out")
    assert str(caught.value).startswith(str(copy))
    assert not list((tmp_path / "out").rglob("*.csv"))


def test_an_entry_folder_holds_the_entry_and_nothing_else(root, tmp_path):
    folder = tmp_path / "sama-log"
    shutil.copytree(root / "sama-log", folder)
    (folder / "old" / "deep").mkdir(parents=True)
    (folder / "old" / "deep" / "file").touch()
    fetch_entry("sama-log", folder)
    assert [path.name for path in folder.rglob("*")] == ["log.txt"]


def test_reading_an_entry_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(InputError, match=r"python -m stages\.published dover"):
        read_published("dover", tmp_path)
    with pytest.raises(InputError, match=r"python -m stages\.published videval"):
        feature_table("videval", "konvid1k", tmp_path)


# --- labels


COUNTS = {
    ("konvid1k", "paper"): {"train": 960, "test": 240},
    ("livevqc", "all"): {"all": 585},
    ("youtubeugc", "paper"): {"train": 832, "test": 208},
    ("youtubeugc", "dover"): {"train": 917, "test": 230},
    ("youtubeugc", "sama"): {"train": 956, "test": 239},
    ("youtubeugc", "videval"): {"train": 1104, "test": 276},
    ("lsvq", "fastvqa"): {"train": 28056, "test": 7186, "1080p": 3573},
    ("lsvq", "sama"): {"train": 28056, "test": 7182, "1080p": 3573},
    ("koniq10k", "sama"): {"all": 10073},
    ("koniq10k", "official"): {"train": 7058, "validation": 1000, "test": 2015},
}
RANGES = {
    "konvid1k": (1.22, 4.64),
    "livevqc": (6.22368, 94.2865),
    "youtubeugc": (1.242, 4.677),
    "koniq10k": (3.9118, 88.3889),
    "lsvq": (2.4, 91.42),
}


@pytest.mark.parametrize(("dataset", "listed"), COUNTS)
def test_lists_have_their_counts(root, dataset, listed):
    labels = published_labels(dataset, root / f"{dataset}-labels", listed)
    assert labels.split.value_counts().to_dict() == COUNTS[dataset, listed]
    assert labels.name.is_unique
    if listed != "sama" or dataset != "youtubeugc":
        low, high = RANGES[dataset]
        assert labels.mos.min() == pytest.approx(low, abs=0.05)
        assert labels.mos.max() == pytest.approx(high, abs=0.05)


def test_lists_that_nobody_published_are_params_errors(root):
    with pytest.raises(ParamsError, match="'simplevqa' are not published"):
        published_labels("lsvq", root / "lsvq-labels", "simplevqa")
    with pytest.raises(ParamsError, match="'papers' is not defined"):
        published_labels("youtubeugc", root / "youtubeugc-labels", "papers")


def test_the_cut_of_youtube_ugc_is_the_shuffle_of_seed_42(root):
    import random

    labels = published_labels("youtubeugc", root / "youtubeugc-labels")
    names = labels.name.tolist()
    random.seed(42)
    random.shuffle(names)
    assert set(labels.name[labels.split == "train"]) == set(names[:832])


def test_samas_list_of_lsvq_drops_four(root):
    tables = read_published("lsvq-labels", root / "lsvq-labels")
    dropped = set(tables["fastvqa"].name) - set(tables["sama"].name)
    assert {name.removesuffix(".mp4") for name in dropped} == {
        "ia-batch2/Flickr-21201537525",
        "ia-batch4/Concert_In_the_Kitchen_February_24_2012",
        "ia-batch4/Cub_Scout_Den_2_Pack_410_Ste_Genevieve_MO_12_11_13",
        "ia-batch4/tpctvmd-City_Council_Meeting_-_Wednesday_November_15_2017",
    }


@pytest.mark.parametrize(
    ("entry", "path", "old", "new", "message"),
    [
        (
            "konvid1k-labels",
            "labels.txt",
            "29.97, 3.84",
            "29.97, 3.94",
            "contradict each other: 9753414792.mp4 has two MOS",
        ),
        (
            "konvid1k-labels",
            "train.txt",
            "5032172516.mp4, -1, -1, 3.48",
            "4472730048.mp4,-1,-1,1.622406639",
            "train.txt and test.txt do not divide",
        ),
        ("konvid1k-labels", "dover.txt", "4542323058", "9753414792", "9753414792.mp4 occurs more than once|two MOS"),
        ("konvid1k-labels", "metadata.csv", "8171831850,", "8171831851,", "8171831850.mp4 is in one list alone"),
        ("livevqc-labels", "metadata.csv", "A012NEW.mp4", "A012.mp4", "row 12 is A012.mp4 and A012.mp4"),
        ("livevqc-labels", "metadata.csv", "A002.mp4,57.3005", "A002.mp4,57.4005", "A002.mp4 has two MOS"),
        ("youtubeugc-labels", "sama.txt", "6.956189999999999", "6.99", "Animation_1080P-01b3.* has two MOS"),
        ("youtubeugc-labels", "labels.txt", "4e9f_crf_10", "4e9f_crf_11", "is in one list alone"),
        ("lsvq-labels", "1080p.txt", "yfcc-batch1/722.mp4", "yfcc-batch1/725.mp4", "yfcc-batch1/725.mp4 is in two of"),
        ("lsvq-labels", "sama_test.txt", "yfcc-batch1/747.mp4, -1, -1, 67.75", "x.mp4,-1,-1,1", "x.mp4 is in one"),
        ("koniq10k-labels", "distributions.csv", "10004473376.jpg", "10007357496.jpg", "is there already, in line 2"),
    ],
)
def test_every_contradiction_between_lists_is_found(copy, entry, path, old, new, message):
    folder = copy(entry, path, old, new)
    with pytest.raises(InputError, match=message) as caught:
        read_published(entry, folder)
    assert "\n" not in str(caught.value)


def test_a_short_list_is_found(root, tmp_path):
    shutil.copytree(root / "koniq10k-labels", tmp_path / "k")
    path = tmp_path / "k" / "distributions.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match="lists 10072 items, expected 10073"):
        joins.koniq10k(tmp_path / "k", "sama")


# --- features


ROWS = {"konvid1k": 1200, "livevqc": 585, "youtubeugc": 1380}
NOT_THE_METADATA = {("maxvqa", "youtubeugc"): 1147, ("resnet50", "youtubeugc"): 1149}


@pytest.mark.parametrize(("name", "dataset"), [(name, dataset) for name in WIDTHS for dataset in DATASETS[name]])
def test_features_have_their_shapes_and_belong_to_their_labels(root, name, dataset):
    table = feature_table(name, dataset, root)
    assert table.features.shape == (NOT_THE_METADATA.get((name, dataset), ROWS[dataset]), WIDTHS[name])
    assert table.features.dtype == np.float32
    assert np.isfinite(table.features).all()
    labels = published_labels(dataset, root / f"{dataset}-labels").set_index("name").mos
    rows = table.rows_of(labels.index.tolist())
    assert (rows >= 0).all(), "every video of the expected list has features"
    np.testing.assert_allclose(table.mos[rows], labels, atol=1e-6)


def test_what_is_not_finite_in_the_files_is_zero(root):
    from vqa.data.formats import read_mat

    counts = {"konvid1k": 2, "livevqc": 1, "youtubeugc": 579}
    for dataset, count in counts.items():
        raw = read_mat(root / "videval" / f"{dataset}.mat", columns=60)
        assert (~np.isfinite(raw)).sum() == count
        assert (feature_table("videval", dataset, root).features[~np.isfinite(raw)] == 0).all()


def test_greyscale_videos_are_those_of_the_published_rows(root):
    table = feature_table("videval", "youtubeugc", root)
    assert {table.names[row - 1] for row in GREYSCALE_ROWS} == GREYSCALE
    kept = table.without(GREYSCALE)
    assert len(kept.names) == 1323
    assert kept.features.shape == (1323, 60)
    assert not GREYSCALE & set(kept.names)
    row = table.names.index(kept.names[700])
    np.testing.assert_array_equal(kept.features[700], table.features[row])
    assert kept.mos[700] == table.mos[row]


def test_maxvqa_is_in_the_order_of_its_list(root):
    """No names are in the file: the order is right because the columns predict, as they would not in another one."""
    for dataset, clear, high in (("konvid1k", 0.8615, 0.8630), ("livevqc", 0.7938, None), ("youtubeugc", 0.8243, None)):
        table = feature_table("maxvqa", dataset, root)
        assert spearmanr(table.features[:, -1], table.mos).statistic == pytest.approx(clear, abs=2e-4)
        if high:
            assert spearmanr(table.features[:, 0], table.mos).statistic == pytest.approx(high, abs=2e-4)


def test_resnet50_columns_are_the_same_in_all_files(root):
    """One file holds them among others: in the wrong place the columns would not be large where those of others are."""
    table = feature_table("resnet50", "youtubeugc", root)
    large = np.array(["_2160P-" in name for name in table.names])
    assert large.sum() == 110
    means = [table.select(part).features.mean(axis=0) for part in (large, ~large)]
    assert np.corrcoef(means[0], means[1])[0, 1] > 0.8
    assert np.corrcoef(means[0][1:], means[1][:-1])[0, 1] < 0.5
    assert (table.features >= 0).all(), "averages of rectified numbers"


def test_features_of_other_data_sets_are_params_errors(root):
    with pytest.raises(ParamsError, match="'konvid1k' is not defined"):
        feature_table("resnet50", "konvid1k", root)
    with pytest.raises(ParamsError, match="did you mean 'videval'"):
        feature_table("vidival", "konvid1k", root)


def test_features_that_do_not_fit_their_list_are_refused(root, tmp_path):
    shutil.copytree(root / "videval", tmp_path / "videval")
    shutil.copy(root / "videval" / "livevqc.mat", tmp_path / "videval" / "konvid1k.mat")
    with pytest.raises(InputError, match="585 rows of features of konvid1k for 1200 labels"):
        feature_table("videval", "konvid1k", tmp_path)
