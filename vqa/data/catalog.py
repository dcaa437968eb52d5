"""The real data sets: what they are, where they come from, on what terms, and which items the suite expects.

Nothing here is downloaded: several sets sit behind a form or a password, and videos may change hands on their owners'
terms alone. :mod:`vqa.data.provided` takes the files from where the user has put them.
"""

from dataclasses import dataclass

from vqa.strict import known_name


@dataclass(frozen=True)
class ItemList:
    """One published list of a data set's items.

    Attributes:
        origin: whose list it is.
        splits: items per split. A set that all runs cut by themselves has the one split ``all``. The cuts shuffle
            positions, so the items must come in the order of the published list.
        mos_scale: lowest and highest MOS that the scale allows.
    """

    origin: str
    splits: dict[str, int]
    mos_scale: tuple[float, float]

    def __post_init__(self) -> None:
        if not self.splits or min(self.splits.values()) < 1 or self.mos_scale[0] >= self.mos_scale[1]:
            raise ValueError(f"{self.origin}: splits must hold items and the MOS scale must go upwards")

    @property
    def n_items(self) -> int:
        """Items of all splits."""
        return sum(self.splits.values())


@dataclass(frozen=True)
class RealDataset:
    """One data set.

    Attributes:
        name: key in params and in ``$VQA_DATA``.
        title: the paper's name of it.
        content: what it is, in one line.
        page: its home.
        archives: direct addresses of files or folders, where there are any.
        terms: licence and access, in one line.
        choice: why the first of ``lists`` is the one that the suite expects.
        lists: published item lists, the expected one first.
    """

    name: str
    title: str
    content: str
    page: str
    archives: tuple[str, ...]
    terms: str
    choice: str
    lists: tuple[ItemList, ...]

    @property
    def expected(self) -> ItemList:
        """The list that the suite expects."""
        return self.lists[0]


_PERCENT, _FIVE = (0.0, 100.0), (1.0, 5.0)
_TEXAS = "University of Texas notice: free use with notice and citation"
_KONSTANZ = "https://datasets.vqa.mmsp-kn.de/archives"
_PATCHVQ = "https://github.com/baidut/PatchVQ"

_ENTRIES = (
    RealDataset(
        name="lsvq",
        title="LSVQ",
        content="about 39,000 videos of 5-12 s from the Internet Archive and YFCC100M, any size and shape",
        page=_PATCHVQ,
        archives=(
            f"{_PATCHVQ}/releases/download/v0.1/labels_train_test.csv",
            f"{_PATCHVQ}/releases/download/v0.1/labels_test_1080p.csv",
            "https://huggingface.co/datasets/teowu/LSVQ-videos",
        ),
        terms=f"{_TEXAS}, the videos' own rights vary; by request form, the Hugging Face copy is unofficial",
        choice="FAST-VQA's lists, the most used ones; the other two differ by 4 and by about 50 items (D2, L4)",
        lists=(
            ItemList("FAST-VQA", {"train": 28056, "test": 7186, "1080p": 3573}, _PERCENT),
            ItemList("SAMA", {"train": 28056, "test": 7182, "1080p": 3573}, _PERCENT),
            ItemList("SimpleVQA", {"train": 28056, "test": 7220, "1080p": 3561}, _PERCENT),
        ),
    ),
    RealDataset(
        name="konvid1k",
        title="KoNViD-1k",
        content="1200 videos of 8 s from YFCC100M, all 960x540",
        page="http://database.mmsp-kn.de/konvid-1k-database.html",
        archives=(f"{_KONSTANZ}/KoNViD_1k_videos.zip", f"{_KONSTANZ}/KoNViD_1k_metadata.zip"),
        terms="videos under Creative Commons licences of their makers, no licence stated for the labels; no form",
        choice="the one split that is published, beside SAMA's code; where it comes from is not known (D4)",
        lists=(ItemList("SAMA", {"train": 960, "test": 240}, _FIVE),),
    ),
    RealDataset(
        name="livevqc",
        title="LIVE-VQC",
        content="585 videos of about 10 s from telephones, 18 sizes, many portrait",
        page="https://live.ece.utexas.edu/research/LIVEVQC/index.html",
        archives=(),
        terms=f"{_TEXAS}; by request form, with a password",
        choice="all videos: every run tests on all of them or cuts them by itself",
        lists=(ItemList("LIVE-VQC", {"all": 585}, _PERCENT),),
    ),
    RealDataset(
        name="youtubeugc",
        title="YouTube-UGC",
        content="clips of 20 s of YouTube uploads in 15 categories, 360P to 2160P",
        page="https://media.withyoutube.com",
        archives=("https://storage.googleapis.com/ugc-dataset/original_videos_h264/",),
        terms="CC BY, see ATTRIBUTION in the bucket; no form",
        choice="the paper's own list (D1), cut like its fine-tuning: seed 42, 80 %; its own cut is not published (F9)",
        lists=(
            ItemList("the paper", {"train": 832, "test": 208}, _FIVE),
            ItemList("FAST-VQA and DOVER", {"train": 917, "test": 230}, _FIVE),
            ItemList("SimpleVQA", {"train": 913, "test": 229}, _FIVE),
            # MOS mapped by 2.4745 x - 2.0734
            ItemList("SAMA", {"train": 956, "test": 239}, (0.4011, 10.2991)),
            ItemList("VIDEVAL", {"train": 1104, "test": 276}, _FIVE),
        ),
    ),
    RealDataset(
        name="koniq10k",
        title="KonIQ-10k",
        content="10,073 images from YFCC100M, 1024x768",
        page="http://database.mmsp-kn.de/koniq-10k-database.html",
        archives=(f"{_KONSTANZ}/koniq10k_1024x768.zip", f"{_KONSTANZ}/koniq10k_scores_and_distributions.zip"),
        terms="images under Creative Commons licences of their makers, no licence stated for the labels; no form",
        choice="all images, labels in the column MOS_zscore, as SAMA has it; the official split is not used (S10)",
        lists=(
            ItemList("SAMA", {"all": 10073}, _PERCENT),
            ItemList("the official split", {"train": 7058, "validation": 1000, "test": 2015}, _PERCENT),
        ),
    ),
    RealDataset(
        name="spaq",
        title="SPAQ",
        content="11,125 photographs of 66 telephones, several thousand pixels wide",
        page="https://github.com/h4nwei/SPAQ",
        archives=("https://drive.google.com/drive/folders/1wZ6HOHi5h43oxTe2yLYkFxwHPgJ9MwvT",),
        terms="for research, without an explicit licence; no form",
        choice="all images: there is no official split",
        lists=(ItemList("SPAQ", {"all": 11125}, _PERCENT),),
    ),
)

CATALOG = {entry.name: entry for entry in _ENTRIES}


def real_dataset(name: str) -> RealDataset:
    """The entry of a data set.

    Raises:
        vqa.strict.ParamsError: if there is none of that name.
    """
    known_name("vqa/data/catalog.py", name, CATALOG)
    return CATALOG[name]
