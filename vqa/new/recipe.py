"""The parameters of a new scale: methods, rows, a table and a figure for one data set, in the words of params.yaml."""

from dataclasses import dataclass
from typing import Any

from vqa.io import InputError
from vqa.methods import PAPER
from vqa.report.labels import method_title
from vqa.settings.params import Transfer

Block = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """What the new scale is to hold.

    Attributes:
        scale: name of the scale: that of its folder.
        name: of the data set: small letters and digits.
        title: its printed name.
        root: the project's folder, seen from the new one.
        methods: blocks of the known scale's ``methods``.
        gamma: relative size of the perturbations.
        n_train: training items.
        frame_store: keep decoded frames.
        transfers: rows of weights that are scored as they are: label and block, by name.
        extra: blocks of ``methods`` that these need besides.
    """

    scale: str
    name: str
    title: str
    root: str
    methods: tuple[str, ...]
    gamma: float
    n_train: int
    frame_store: bool
    transfers: dict[str, tuple[str, Transfer]]
    extra: dict[str, Block]

    def data(self, method: str) -> str:
        """What a run of a method reads."""
        return read_of(method, self.name)

    def key(self, method: str, kind: str) -> str:
        """Name of a run: ``fastvqa-base``, ``fastvqa-awp``."""
        return f"{method}-{'base' if kind == 'none' else kind}"


def read_of(method: str, dataset: str) -> str:
    """What a run of a method reads of a data set: SimpleVQA motion features too."""
    return f"{'features/slowfast' if method == 'simplevqa' else 'prepared'}/{dataset}"


def check_methods(methods: tuple[str, ...], known: Block, images: bool) -> None:
    """Raise InputError if a method has no block, or cannot look at images (or at videos)."""
    offered = [name for name in PAPER if name in known["methods"]]
    for method in methods:
        if method not in offered:
            raise InputError(f"--method {method}: not one of {', '.join(offered)}")
        if images != (method == "sama_iqa"):
            fitting = [name for name in offered if images == (name == "sama_iqa")]
            kind = "images" if images else "videos"
            raise InputError(f"--method {method}: these are {kind}, which {', '.join(fitting)} can look at")


def compose(recipe: Recipe, known: Block) -> Block:
    """Content of the new ``params.yaml``, with the sizes and recipes of ``known``, that of a scale of the project."""
    motion = "simplevqa" in recipe.methods
    described = {"extractor": "slowfast", "dataset": recipe.name, "reads": f"data/{recipe.name}"}
    runs = {run: row for method in recipe.methods for run, row in _runs(recipe, method).items()}
    around = {
        name: {"method": row["method"], "data": row["data"], "weights": ["last_ema"]} for name, row in runs.items()
    }
    dataset = {
        "title": recipe.title,
        "source": "own",
        "list": "",
        "bad_files": "stop",
        "frame_store": recipe.frame_store,
    }
    return {
        "root": recipe.root,
        "common": {**known["common"], "scale": recipe.scale},
        "datasets": {recipe.name: {**dataset, "frame_store": recipe.frame_store}},
        "checksums": known["checksums"],
        "published": {},
        "regressions": {},
        "quotable": {},
        "extractors": {"slowfast": known["extractors"]["slowfast"]} if motion else {},
        "extractions": {f"slowfast-{recipe.name}": described} if motion else {},
        "methods": {
            **{name: fitted(known["methods"][name], recipe.n_train) for name in recipe.methods},
            **recipe.extra,
        },
        "zero_shot": [],
        "shared": {"zero_shot": {}, "fusions": {}, "agreements": {}, "epochs": []},
        "runs": runs,
        "transfers": {name: vars(row) for name, (_, row) in recipe.transfers.items()},
        "tables": {"tableA": _table(recipe)},
        "landscape": known["landscape"],
        "landscapes": around,
        "statistics": known["statistics"],
        "figures": {"overview": _figure(recipe)},
    }


def fitted(block: Block, n_train: int) -> Block:
    """A method's block for so many training items.

    A batch is no larger than the training set, and the averaged weights keep at most a hundredth of the initial ones
    (of the released 0.999 a small data set would leave most, F17).
    """
    block = dict(block)
    block["batch_size"] = min(block["batch_size"], n_train)
    if "ema_decay" in block:
        steps = block["epochs"] * -(-n_train // block["batch_size"])
        block["ema_decay"] = min(block["ema_decay"], round(0.01 ** (1 / steps), 3))
    return block


def _runs(recipe: Recipe, method: str) -> dict[str, Block]:
    base: Block = {
        **{"method": method, "init": f"initial/{method}.safetensors", "data": recipe.data(method)},
        **{"train": recipe.name, "test": [f"{recipe.name}/test"]},
    }
    perturbed: dict[str, Block] = {
        kind: {**base, "perturbation": kind, "gamma": recipe.gamma} for kind in ("rwp", "awp")
    }
    return {recipe.key(method, kind): row for kind, row in {"none": base, **perturbed}.items()}


def _table(recipe: Recipe) -> Block:
    rows: dict[str, list[str]] = {}
    for method in recipe.methods:
        title = method_title(method)
        rows |= {
            f"{title}{suffix}": [recipe.key(method, kind)]
            for kind, suffix in (("none", ""), ("rwp", "+RWP"), ("awp", "+AWP"))
        }
    rows |= {label: [name] for name, (label, _) in recipe.transfers.items()}
    title = f"Trained and tested on {recipe.title}, RWP and AWP of {recipe.gamma:g}"
    if recipe.transfers:
        title += "; weights of elsewhere as they are"
    columns = {"columns": [recipe.title], "splits": ["train", "test", "gap"]}
    return {"title": title, **columns, "rows": {}, "added": rows}


def _figure(recipe: Recipe) -> Block:
    """Curves of every baseline, and the loss around its weights and those of its perturbed twins."""
    panels = []
    for method in recipe.methods:
        title, base = method_title(method), recipe.key(method, "none")
        curves = {
            "own recipe": base,
            "RWP": recipe.key(method, "rwp"),
            "AWP": recipe.key(method, "awp"),
        }
        panels += [
            {"kind": "curves", "run": base, "metric": "srcc", "title": f"{title} on {recipe.title}"},
            {
                "kind": "landscape",
                "title": f"{title}, RWP and AWP",
                "hue": "AWP",
                "base": "own recipe",
                "curves": curves,
            },
        ]
    return {"title": f"{recipe.title} over the epochs, and around the weights", "columns": 2, "panels": panels}
