"""The published entries: files that belong together, what they are, and which row of theirs is which video.

An entry is brought to ``data/published/NAME`` by ``python -m stages.published NAME`` and read by
:func:`vqa.data.published.tables.read_published`. Files that say what the rows of others mean are in both entries.
"""

from dataclasses import dataclass
from pathlib import Path

from vqa.data.published.index import FILES, SourceFile
from vqa.settings.strict import known_name
from vqa.sources.download import obtain_all

ROOT = Path("data") / "published"
CACHE = Path(".state") / "published"
"""Where stages that need an entry among others keep it, so that the next run finds it without a network."""


@dataclass(frozen=True)
class PublishedEntry:
    """Files that belong together.

    Attributes:
        name: key in params and name of the folder.
        content: what it is, in one line.
        rows: how the rows are ordered, or what else has to be known to read it.
        files: the files by their path in the folder, each a key of :data:`vqa.data.published.index.FILES`.
    """

    name: str
    content: str
    rows: str
    files: dict[str, str]

    @property
    def sources(self) -> dict[str, SourceFile]:
        """Address, checksum, size and licence of every file, by its path in the folder."""
        return {path: FILES[key] for path, key in self.files.items()}

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(source.size for source in self.sources.values())


_PAPER = "XinliYue/VQA-Generalization"
_LISTS = f"{_PAPER}/fastvqa/examplar_data_labels"
_SAMA_LISTS = f"{_PAPER}/sama/examplar_data_labels"
_DOVER = "VQAssessment/DOVER"
_DOVER_LISTS = f"{_DOVER}/examplar_data_labels"
_VIDEVAL = "vztu/VIDEVAL/features"
_FAST = "VQAssessment/FAST-VQA-and-FasterVQA"
_CNN = "xinyiW915/RVS-resize/feat_file/resolution/YOUTUBE_UGC"
_CNN_ROWS = "xinyiW915/RAPIQUE-UGC/mos_files/YOUTUBE_UGC"
_TORCHCODEC, _DECORD = "pytorch/torchcodec/test/resources", "dmlc/decord/tests/test_data"

RESOLUTIONS = ("360P", "480P", "720P", "1080P", "2160P")
_METADATA = {
    "konvid1k_metadata.csv": f"{_VIDEVAL}/KONVID_1K_metadata.csv",
    "livevqc_metadata.csv": f"{_VIDEVAL}/LIVE_VQC_metadata.csv",
    "youtubeugc_metadata.csv": f"{_VIDEVAL}/YOUTUBE_UGC_metadata.csv",
}
_DOVER_ROWS = {
    "konvid1k_labels.txt": f"{_DOVER_LISTS}/KoNViD/labels.txt",
    "livevqc_labels.txt": f"{_DOVER_LISTS}/LIVE_VQC/labels.txt",
    "youtubeugc_labels.txt": f"{_DOVER_LISTS}/YouTubeUGC/labels.txt",
}

_KONVID1K_CLIPS = {
    "10053703034.mp4": f"{_FAST}/demos/10053703034.mp4",
    "2999049224.mp4": "sunwei925/SimpleVQA/videos/2999049224_original_centercrop_960x540_8s.mp4",
    "3339962845.mp4": "lidq92/VSFA/test.mp4",
    "4495254692.mp4": "xinyiW915/DIVA-VQA/ugc_original_videos/4495254692.mp4",
}

_ENTRIES = (
    PublishedEntry(
        name="konvid1k-labels",
        content="KoNViD-1k: the list of 1200, the 960/240 split of the paper's repository, VIDEVAL's metadata",
        rows="labels.txt and dover.txt in one order, which random cuts shuffle; metadata.csv in another",
        files={
            "labels.txt": f"{_LISTS}/KoNViD/labels.txt",
            "train.txt": f"{_SAMA_LISTS}/KoNViD/KoNViD_1k_train.txt",
            "test.txt": f"{_SAMA_LISTS}/KoNViD/KoNViD_1k_test.txt",
            "dover.txt": f"{_DOVER_LISTS}/KoNViD/labels.txt",
            "metadata.csv": f"{_VIDEVAL}/KONVID_1K_metadata.csv",
        },
    ),
    PublishedEntry(
        name="livevqc-labels",
        content="LIVE-VQC: the list of 585 and VIDEVAL's metadata",
        rows="all in one order; nine names have NEW before the suffix in the metadata",
        files={
            "labels.txt": f"{_LISTS}/LIVE_VQC/labels.txt",
            "dover.txt": f"{_DOVER_LISTS}/LIVE_VQC/labels.txt",
            "metadata.csv": f"{_VIDEVAL}/LIVE_VQC_metadata.csv",
        },
    ),
    PublishedEntry(
        name="youtubeugc-labels",
        content="YouTube-UGC: the lists of the paper (1040), DOVER (1147) and SAMA (1195), VIDEVAL's metadata (1380)",
        rows="each in its own order; joined by name, X in the metadata being X_crf_10_ss_00_t_20.0.mp4 in the lists",
        files={
            "labels.txt": f"{_LISTS}/YouTubeUGC/labels.txt",
            "dover.txt": f"{_DOVER_LISTS}/YouTubeUGC/labels.txt",
            "sama.txt": f"{_SAMA_LISTS}/YouTubeUGC/mylabels.txt",
            "metadata.csv": f"{_VIDEVAL}/YOUTUBE_UGC_metadata.csv",
        },
    ),
    PublishedEntry(
        name="lsvq-labels",
        content="LSVQ: FAST-VQA's lists (28056, 7186, 3573) and SAMA's test list (7182)",
        rows="joined by name",
        files={
            "train.txt": f"{_LISTS}/train_labels.txt",
            "test.txt": f"{_LISTS}/LSVQ/labels_test.txt",
            "1080p.txt": f"{_LISTS}/LSVQ/labels_1080p.txt",
            "sama_test.txt": f"{_SAMA_LISTS}/LSVQ/labels_mytest.txt",
        },
    ),
    PublishedEntry(
        name="koniq10k-labels",
        content="KonIQ-10k: ratings, MOS on 0-100 and the official split of 10,073 images",
        rows="by image name",
        files={"distributions.csv": "subpic/koniq/metadata/koniq10k_distributions_sets.csv"},
    ),
    PublishedEntry(
        name="videval",
        content="60 VIDEVAL features a video of KoNViD-1k, LIVE-VQC and YouTube-UGC",
        rows="as the metadata of each set",
        files={
            "konvid1k.mat": f"{_VIDEVAL}/KONVID_1K_VIDEVAL_feats.mat",
            "livevqc.mat": f"{_VIDEVAL}/LIVE_VQC_VIDEVAL_feats.mat",
            "youtubeugc.mat": f"{_VIDEVAL}/YOUTUBE_UGC_VIDEVAL_feats.mat",
            **_METADATA,
        },
    ),
    PublishedEntry(
        name="brisque",
        content="36 BRISQUE features a video of KoNViD-1k, LIVE-VQC and YouTube-UGC",
        rows="as the metadata of each set",
        files={
            "konvid1k.mat": "vztu/BVQA_Benchmark/data/KONVID_1K_BRISQUE_feats.mat",
            "livevqc.mat": "vztu/BVQA_Benchmark/data/LIVE_VQC_BRISQUE_feats.mat",
            "youtubeugc.mat": "vztu/BVQA_Benchmark/data/YOUTUBE_UGC_BRISQUE_feats.mat",
            **_METADATA,
        },
    ),
    PublishedEntry(
        name="maxvqa",
        content="16 outputs of MaxVQA a video of KoNViD-1k, LIVE-VQC, YouTube-UGC (1147) and others",
        rows="as DOVER's label lists; the file holds no names",
        files={"results.pkl": "VQAssessment/ExplainableVQA/maxvqa_global_results.pkl", **_DOVER_ROWS},
    ),
    PublishedEntry(
        name="resnet50",
        content="2048 ResNet-50 features, averaged over a frame a second, of 1149 videos of YouTube-UGC, by resolution",
        rows="as the metadata of each resolution; the file of 2160P has them in columns 1360 to 3407, others around",
        files={
            **{f"{size}.mat": f"{_CNN}_{size}_CNN_feats.mat" for size in RESOLUTIONS[:-1]},
            "2160P.mat": f"{_CNN}_2160P_NSS_CNN_Saliency_feats.mat",
            **{f"{size}.csv": f"{_CNN_ROWS}_{size}_metadata.csv" for size in RESOLUTIONS},
        },
    ),
    PublishedEntry(
        name="dover",
        content="DOVER's two branches, trained on LSVQ: a number each for every video of five test sets",
        rows="as DOVER's label lists; the files hold no names",
        files={
            "lsvq_test.pkl": f"{_DOVER}/dover_predictions/val-ltest.pkl",
            "lsvq_1080p.pkl": f"{_DOVER}/dover_predictions/val-l1080p.pkl",
            "konvid1k.pkl": f"{_DOVER}/dover_predictions/val-kv1k.pkl",
            "livevqc.pkl": f"{_DOVER}/dover_predictions/val-livevqc.pkl",
            "youtubeugc.pkl": f"{_DOVER}/dover_predictions/val-ytugc.pkl",
            "lsvq_test_labels.txt": f"{_DOVER_LISTS}/LSVQ/labels_test.txt",
            "lsvq_1080p_labels.txt": f"{_DOVER_LISTS}/LSVQ/labels_1080p.txt",
            **_DOVER_ROWS,
        },
    ),
    PublishedEntry(
        name="bvqa2022",
        content="100 random 80/20 splits: predictions of BVQA-2022 and MDTVSFA, results of 15 other methods",
        rows="a split is the same for both methods with predictions; videos have no names, only their MOS",
        files={"results.zip": "zwx8981/TCSVT-2022-BVQA/results/All_results_of_compared_methods.zip"},
    ),
    PublishedEntry(
        name="fastvqa",
        content="FAST-VQA tuned to three sets, 10 splits each: SRCC, PLCC, KRCC, RMSE",
        rows="a row a split, splits not published; from_ar in names: from weights of action recognition, not LSVQ",
        files={
            **{
                f"{method}_{short}{when}.pkl": f"{_FAST}/results/results_{stem}_{long}_s32*32_ens1{end}.pkl"
                for method, stem, sets in (
                    ("first", "finetune", {"konvid1k": "konvid", "livevqc": "live_vqc"}),
                    ("fastvqa", "fast_finetune", {"livevqc": "live_vqc", "youtubeugc": "youtubeugc"}),
                )
                for short, long in sets.items()
                for when, end in (("", ""), ("_kinetics", "_from_ar"))
            },
            "fastvqa_konvid1k.pkl": f"{_FAST}/results/results_fast_finetune_konvid_s32*32_ens1.pkl",
        },
    ),
    PublishedEntry(
        name="sama-log",
        content="SAMA's own training on LSVQ: results on four test sets after each of 30 epochs, and the best ones",
        rows="one block a test set and epoch",
        files={"log.txt": "Sissuire/SAMA/VQA/log.FAST.SAMA.out"},
    ),
    PublishedEntry(
        name="konvid1k-clips",
        content="four videos of KoNViD-1k",
        rows="files by name",
        files=_KONVID1K_CLIPS,
    ),
    PublishedEntry(
        name="clips",
        content="real clips and images: four of KoNViD-1k, one of LSVQ, KonIQ-10k and SPAQ samples, and odd files",
        rows="folders named by data set, or odd",
        files={
            **{f"konvid1k/{name}": source for name, source in _KONVID1K_CLIPS.items()},
            "lsvq/yfcc-batch3/1724.mp4": f"{_DOVER}/demo/1724.mp4",
            "koniq10k/10004473376.jpg": "avinabsaha/ReIQA/sample_images/10004473376.jpg",
            "spaq/10241.jpg": "chaofengc/IQA-PyTorch/tests/test_efficiency_img_dir/SPAQ_10241.jpg",
            "spaq/00914.png": "h4nwei/SPAQ/images/00914.png",
            "spaq/05293.png": "h4nwei/SPAQ/images/05293.png",
            "odd/FEQ-gdkTN4Q_000008_000018.mp4": f"{_DOVER}/demo/FEQ-gdkTN4Q_000008_000018.mp4",
            "odd/eWgy8eG3stA_000164_000174.mp4": f"{_DOVER}/demo/eWgy8eG3stA_000164_000174.mp4",
            "odd/empty.mp4": f"{_DOVER}/demo/error_test.mp4",
            "odd/flipping_a_pancake.mkv": "dmlc/decord/examples/flipping_a_pancake.mkv",
            **{
                f"odd/{name}": f"{_DECORD}/{name}"
                for name in ("video_0.mov", "video_90.mov", "video_270.mov", "unordered.mov", "corrupted.mp4")
            },
            **{
                f"odd/{name}": f"{_TORCHCODEC}/{name}"
                for name in (
                    *("nasa_13013.mp4", "av1_video.mkv", "bt709_full_range.mp4", "h264_10bits.mp4", "h265_video.mp4"),
                )
            },
            "odd/test.avi": "SwinTransformer/Video-Swin-Transformer/tests/data/test.avi",
        },
    ),
)

PUBLISHED = {entry.name: entry for entry in _ENTRIES}


def published_entry(name: str) -> PublishedEntry:
    """The entry ``name``.

    Raises:
        vqa.settings.strict.ParamsError: if there is none of that name.
    """
    known_name("vqa/data/published/entries.py", name, PUBLISHED)
    return PUBLISHED[name]


def bring_entry(name: str, folder: Path) -> None:
    """Bring all files of the entry ``name`` to ``folder``, from the mirror or the network.

    Raises:
        vqa.io.InputError: one line, if a file cannot be had or is not the published one.
        vqa.settings.strict.ParamsError: if there is no such entry.
    """
    obtain_all([source.remote(path) for path, source in published_entry(name).sources.items()], folder)


def fetch_entry(name: str, folder: Path) -> None:
    """:func:`bring_entry`, after which ``folder`` holds the files of the entry and no others."""
    bring_entry(name, folder)
    wanted = {folder / path for path in published_entry(name).files}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path not in wanted:
            path.unlink()
