"""Hours of GPU that a scale takes: what its runs do, counted from params, times what a bench measured.

The GPU alone: what decoding makes it wait for, frozen extractors and rows that are only scored are not in it.
"""

from dataclasses import dataclass

import pandas as pd

from vqa.bench.networks import PERTURBATIONS, VIDEO
from vqa.data.catalog import real_dataset
from vqa.data.items import Cut
from vqa.io import InputError
from vqa.landscape.config import read_blocks
from vqa.methods import load_method
from vqa.methods.base import Method
from vqa.settings.params import Params, Run
from vqa.settings.strict import known_name
from vqa.training.protocol import trainings

# A product with the Hessian is forward, backward, and backward through both: taken for two plain steps.
HESSIAN_STEPS = 2
KINDS = ("training", "tests", "clean", "landscape", "hessian")


@dataclass(frozen=True)
class Work:
    """What one run does, all its trainings together. Clips are of the size that the bench measures.

    Attributes:
        trainings: how many it has.
        steps: of the optimizer, of its perturbation.
        batch: items of one.
        tested: clips that are scored after every epoch, by averaged and raw weights.
        clean: clips that the clean protocol scores.
        passed: clips that go forward for curves, surfaces and sharpness of the run's landscape.
        ascended: batches whose gradient the worst rise of the landscape asks for.
        products: batches that are multiplied with their Hessian, at most.
        loaded: clips that the loader brings for training, tests and the clean protocol.
    """

    trainings: int
    steps: int
    batch: int
    tested: float
    clean: float
    passed: float
    ascended: int
    products: int
    loaded: float


def work(params: Params, name: str) -> Work:
    """What the run ``name`` of ``params`` does.

    Raises:
        InputError: for a data set whose number of items is not published.
    """
    run = params.runs[name]
    method = load_method(run.method, params.methods[run.method], run)
    every = trainings(run, params.common.seed)
    steps, tested, clean, loaded = 0, 0.0, 0.0, 0.0
    size, scored = method.batch_size, 2 if method.ema_decay else 1
    for training in every:
        parts = [(dataset, _items(params, run, training.cut, dataset, split)) for dataset, split in run.splits]
        n = parts[0][1]
        of_epoch = steps_of_epoch(method, n)
        steps += method.epochs * of_epoch
        seen = method.epochs * sum(n * _clips(params, run, dataset, "released") for dataset, n in parts[1:])
        looked = sum(n * _clips(params, run, dataset, "clean") for dataset, n in parts)
        tested, clean = tested + scored * seen, clean + looked
        loaded += method.epochs * min(n, of_epoch * size) * _clips(params, run, run.train, "train") + seen + looked
    passed, ascended, products = _around(params, name, size) if name in params.landscapes else (0.0, 0, 0)
    return Work(len(every), steps, size, tested, clean, passed, ascended, products, loaded)


def steps_of_epoch(method: Method, n: int) -> int:
    """Optimizer steps of an epoch of ``n`` training items."""
    return n // method.batch_size if method.drop_last else -(-n // method.batch_size)


def hours(params: Params, table: pd.DataFrame, precision: str, price: float) -> tuple[pd.DataFrame, list[str]]:
    """Hours of GPU of every run whose network was measured, and their cost.

    Args:
        params: of the scale.
        table: of :func:`vqa.bench.networks.write_table`.
        precision: ``fp32`` or ``bf16``: which rows of it.
        price: of an hour.

    Returns:
        One row for each run: ``run, method, train``, what of :class:`Work` is counted, hours by :data:`KINDS`,
        ``hours`` and ``cost``. And lines that say which network's times stand for another's, and what is left out.
    """
    times = {name: rows.set_index("what") for name, rows in table[table.precision == precision].groupby("method")}
    complete = {f"step, {kind}" for kind in PERTURBATIONS} | {"inference", "landscape point"}
    times = {
        name: rows.ms / rows["items"]
        for name, rows in times.items()
        if name in params.methods and complete <= set(rows.index)
    }
    rows: list[dict[str, object]] = []
    said: dict[str, str] = {}
    left_out: dict[str, list[str]] = {}
    for name, run in params.runs.items():
        source = _measured(params, run.method, list(times))
        kind, _ = params.perturbation(run)
        if source is None or kind not in PERTURBATIONS:
            left_out.setdefault(run.method, []).append(name.partition("-")[0])
            continue
        if source != run.method:
            said[run.method] = f"{run.method}: was not measured; it has the network of {source}, whose times are taken"
        took, does = times[source] / 3.6e6, work(params, name)
        plain = does.batch * took["step, none"]
        parts = (
            does.steps * does.batch * took[f"step, {kind}"],
            does.tested * took["inference"],
            does.clean * took["inference"],
            does.passed * took["landscape point"] + does.ascended * plain,
            does.products * HESSIAN_STEPS * plain,
        )
        counted = {"trainings": does.trainings, "steps": does.steps, "clips": does.loaded}
        row = {"run": name, "method": run.method, "train": params.datasets[run.train].title, **counted}
        rows.append(row | dict(zip(KINDS, parts, strict=True)) | {"hours": sum(parts), "cost": price * sum(parts)})
    missing = [f"{method}: not measured, left out: {', '.join(names)}" for method, names in left_out.items()]
    columns = ["run", "method", "train", "trainings", "steps", "clips", *KINDS, "hours", "cost"]
    return pd.DataFrame(rows, columns=columns), [*said.values(), *missing]


def by_group(runs: pd.DataFrame) -> pd.DataFrame:
    """Sums of :func:`hours` over all runs of one method and training set, and of all of them in a last row."""
    sums = runs.drop(columns="run").groupby(["method", "train"], sort=False).sum().reset_index()
    sums.insert(2, "runs", runs.groupby(["method", "train"], sort=False).size().to_numpy())
    total = sums.drop(columns=["method", "train"]).sum()
    every = pd.concat([sums, pd.DataFrame([{"method": "all", "train": "", **total}])], ignore_index=True)
    return every.astype(dict.fromkeys(["runs", "trainings", "steps", "clips"], int))


def items_of(params: Params, dataset: str, split: str) -> int:
    """Items of a split of the list itself, as the catalogue counts them.

    Raises:
        InputError: for a data set whose number of items is not published.
        vqa.settings.strict.ParamsError: for a list or a split that it does not have.
    """
    row = params.datasets[dataset]
    if row.source != "provided":
        raise InputError(f"params.yaml: datasets.{dataset}: how many items a {row.source} data set has is not known")
    lists = {listed.key: listed for listed in real_dataset(dataset).lists}
    key = row.list or next(iter(lists))
    known_name(f"params.yaml: datasets.{dataset}.list", key, lists)
    if split == "all":
        return lists[key].n_items
    known_name(f"params.yaml: datasets.{dataset}: split", split, lists[key].splits)
    return lists[key].splits[split]


def _measured(params: Params, method: str, known: list[str]) -> str | None:
    """The measured method whose network a method has: itself, or one with the same backbone for the same input."""
    if method in known:
        return method
    own = params.methods[method].get("backbone", {})
    same = (other for other in known if "input_size" in own and params.methods[other]["backbone"] == own)
    return next(same, None)


def _items(params: Params, run: Run, cut: int, dataset: str, split: str) -> int:
    """Items of a split, as the catalogue counts them."""
    if run.partition and split in ("train", "test"):
        return len(Cut(cut, run.partition.train_share).parts(items_of(params, dataset, "all"))[split])
    return items_of(params, dataset, split)


def _clips(params: Params, run: Run, dataset: str, phase: str) -> float:
    """Clips of an item in a phase, those of the bench's size: SimpleVQA has as many key frames as motion features."""
    block = params.methods[run.method]
    if "motion" in block:
        rows = [row for row in params.extractions.values() if (row.extractor, row.dataset) == ("slowfast", dataset)]
        clips = rows[0].changes.get("clips", params.extractors["slowfast"]["clips"])
        return clips / round(VIDEO.n_frames / VIDEO.fps)
    train, own = (block["sampling"][name].get("temporal", {}).get("clips", 1) for name in ("train", phase))
    return own / train


def _around(params: Params, name: str, size: int) -> tuple[float, int, int]:
    """Clips forward, batches with a gradient and batches with a product, of a run's landscape."""
    run, (settings, rows) = params.runs[name], read_blocks(params)
    row, curve, limits = rows[name], settings.curve, settings.eigenvalue
    first, *others = trainings(run, params.common.seed)
    batches, clips = [], []
    for dataset, split in run.splits[:2]:
        n = _items(params, run, first.cut, dataset, split)
        full = n // min(size, n)
        batches.append(min(settings.batches or full, full))
        clips.append(batches[-1] * min(size, n) * _clips(params, run, dataset, "train"))
    weights, few = len(row.weights), len(settings.rise_alphas) * curve.directions
    # The curve, two points for the curvature, and the loss before and after every step of the worst rise.
    points = (curve.points + 2) * curve.directions + 1 + settings.worst.steps
    passed = weights * (points * sum(clips) + few * clips[0] * len(others))
    passed += settings.surface_points**2 * clips[0] * row.surface
    passed += few * clips[0] * row.linearity * (1 + len(others))
    ascended = weights * settings.worst.steps * sum(batches)
    return passed, ascended, limits.max_iterations * min(limits.batches or batches[0], batches[0])
