"""The real data sets: what they are, where they come from, on what terms, and which items the suite expects.

Several sets sit behind a form or a password, and videos may change hands on their owners' terms alone: those are taken
from where the user has put them, and :attr:`Layout.steps` says how to get them. The others are downloaded to the same
place. :mod:`vqa.data.provided` arranges both.
"""

from dataclasses import dataclass

from vqa.settings.strict import known_name


@dataclass(frozen=True)
class ItemList:
    """One published list of a data set's items.

    Attributes:
        key: its name in params: ``datasets.NAME.list``.
        origin: whose list it is.
        splits: items per split. A set that all runs cut by themselves has the one split ``all``. The cuts shuffle
            positions, so the items must come in the order of the published list.
        mos_scale: lowest and highest MOS that the scale allows.
    """

    key: str
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
class Layout:
    """What the user's folder of a data set holds when everything lies there as published.

    Attributes:
        steps: how to fill the folder, in one line.
        downloads: addresses of archives without a form: they are brought if files are missing.
        item_url: address of a single item with ``{name}`` for its name, where items come one by one.
        renamed: text before the suffix that some files have beyond the names in the list.
        mos: names of the file with the MOS as the makers publish them, of its column of names and of MOS: what it says
            must agree with the list. A MATLAB file has two variables instead.
        labels: whether that file is the only label list, because no other one is published.
        patches: names of the makers' tables that hold the opinions on patches, at the top of the folder if at all.
    """

    steps: str
    downloads: tuple[str, ...] = ()
    item_url: str = ""
    renamed: str = ""
    mos: tuple[str, str, str] | None = None
    labels: bool = False
    patches: tuple[str, ...] = ()


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
        layout: how its files lie in the user's folder.
        usual: frames, width and height of a usual item, to plan by before files are there; where sizes vary, a guess.
    """

    name: str
    title: str
    content: str
    page: str
    archives: tuple[str, ...]
    terms: str
    choice: str
    lists: tuple[ItemList, ...]
    layout: Layout
    usual: tuple[int, int, int]

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
            ItemList("fastvqa", "FAST-VQA", {"train": 28056, "test": 7186, "1080p": 3573}, _PERCENT),
            ItemList("sama", "SAMA", {"train": 28056, "test": 7182, "1080p": 3573}, _PERCENT),
            ItemList("simplevqa", "SimpleVQA", {"train": 28056, "test": 7220, "1080p": 3561}, _PERCENT),
        ),
        layout=Layout(
            steps="ask for it by the form on the page (the YFCC part comes from Box with a password, the other by a "
            "notebook) or take the unofficial copy, and put the .tar.gz files or the folders yfcc-batch1, ia-batch1 "
            "and so on there; for opinions on patches also labels_train_test.csv and labels_test_1080p.csv",
            patches=("labels_train_test.csv", "labels_test_1080p.csv"),
        ),
        usual=(240, 960, 540),
    ),
    RealDataset(
        name="konvid1k",
        title="KoNViD-1k",
        content="1200 videos of 8 s from YFCC100M, all 960x540",
        page="http://database.mmsp-kn.de/konvid-1k-database.html",
        archives=(f"{_KONSTANZ}/KoNViD_1k_videos.zip", f"{_KONSTANZ}/KoNViD_1k_metadata.zip"),
        terms="videos under Creative Commons licences of their makers, no licence stated for the labels; no form",
        choice="the one split that is published, beside SAMA's code; where it comes from is not known (D4)",
        lists=(ItemList("paper", "SAMA", {"train": 960, "test": 240}, _FIVE),),
        layout=Layout(
            steps="put KoNViD_1k_videos.zip and KoNViD_1k_metadata.zip there, or have them downloaded (2.3 GB)",
            downloads=(f"{_KONSTANZ}/KoNViD_1k_videos.zip", f"{_KONSTANZ}/KoNViD_1k_metadata.zip"),
            mos=("KoNViD_1k_mos.csv", "flickr_id", "mos"),
        ),
        usual=(240, 960, 540),
    ),
    RealDataset(
        name="livevqc",
        title="LIVE-VQC",
        content="585 videos of about 10 s from telephones, 18 sizes, many portrait",
        page="https://live.ece.utexas.edu/research/LIVEVQC/index.html",
        archives=(),
        terms=f"{_TEXAS}; by request form, with a password",
        choice="all videos: every run tests on all of them or cuts them by itself",
        lists=(ItemList("all", "LIVE-VQC", {"all": 585}, _PERCENT),),
        layout=Layout(
            steps="fill in the form on the page, unpack the archive with the password that you are sent, and put the "
            "folder Video and data.mat there",
            renamed="NEW",
            mos=("data.mat", "video_list", "mos"),
        ),
        usual=(300, 1280, 720),
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
            ItemList("paper", "the paper", {"train": 832, "test": 208}, _FIVE),
            ItemList("dover", "FAST-VQA and DOVER", {"train": 917, "test": 230}, _FIVE),
            ItemList("simplevqa", "SimpleVQA", {"train": 913, "test": 229}, _FIVE),
            # MOS mapped by 2.4745 x - 2.0734
            ItemList("sama", "SAMA", {"train": 956, "test": 239}, (0.4011, 10.2991)),
            ItemList("videval", "VIDEVAL", {"train": 1104, "test": 276}, _FIVE),
        ),
        layout=Layout(
            steps="put the files of original_videos_h264 there, or have them downloaded one by one",
            item_url="https://storage.googleapis.com/ugc-dataset/original_videos_h264/{name}",
        ),
        usual=(600, 1920, 1080),
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
            ItemList("sama", "SAMA", {"all": 10073}, _PERCENT),
            ItemList("official", "the official split", {"train": 7058, "validation": 1000, "test": 2015}, _PERCENT),
        ),
        layout=Layout(
            steps="put koniq10k_1024x768.zip and koniq10k_scores_and_distributions.zip there, or have them downloaded",
            downloads=(f"{_KONSTANZ}/koniq10k_1024x768.zip", f"{_KONSTANZ}/koniq10k_scores_and_distributions.zip"),
            mos=("koniq10k_scores_and_distributions.csv", "image_name", "MOS_zscore"),
        ),
        usual=(1, 1024, 768),
    ),
    RealDataset(
        name="spaq",
        title="SPAQ",
        content="11,125 photographs of 66 telephones, several thousand pixels wide",
        page="https://github.com/h4nwei/SPAQ",
        archives=("https://drive.google.com/drive/folders/1wZ6HOHi5h43oxTe2yLYkFxwHPgJ9MwvT",),
        terms="for research, without an explicit licence; no form",
        choice="all images: there is no official split",
        lists=(ItemList("all", "SPAQ", {"all": 11125}, _PERCENT),),
        layout=Layout(
            steps="take the folder TestImage and the table of scores from the drive, save the table's first sheet as "
            "'MOS and Image attribute scores.csv', and put both there",
            mos=("MOS and Image attribute scores.csv", "Image name", "MOS"),
            labels=True,
        ),
        usual=(1, 4000, 3000),
    ),
)

CATALOG = {entry.name: entry for entry in _ENTRIES}


def real_dataset(name: str) -> RealDataset:
    """The entry of a data set.

    Raises:
        vqa.settings.strict.ParamsError: if there is none of that name.
    """
    known_name("vqa/data/catalog.py", name, CATALOG)
    return CATALOG[name]
