"""Sentences that every page of the report uses in the same words: scale, protocols, intervals."""

from vqa.settings.params import Common, Params
from vqa.settings.scales import SHIPPED

QUOTED = (
    "numbers of other work as the paper prints them, on other data and by other protocols. They were not run here and "
    "must not be compared with ours."
)
PUBLISHED = (
    "computed here from predictions, logs or results of splits that their authors published; as published in the "
    "released protocol, without what was chosen on the test set in the clean one, empty where that cannot be told."
)
MEANS = "Their interval covers other trainings and other items; of published results of splits, the splits alone."


def command(common: Common) -> str:
    """What rebuilds the report."""
    if common.scale == "demo":
        return "make repro"
    return f"make {common.scale}" if common.scale in SHIPPED else f"vqa repro --scale {common.scale}"


def training_seeds(params: Params) -> str:
    """``training seed 42``, or ``training seeds 42 to 51`` where runs are trained several times."""
    seeds = sorted({seed for run in params.runs.values() for seed in run.seeds or (params.common.seed,)})
    if len(seeds) < 2:
        return f"training seed {(seeds or [params.common.seed])[0]}"
    in_a_row = seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"training seeds {f'{seeds[0]} to {seeds[-1]}' if in_a_row else ', '.join(map(str, seeds))}"


def data_line(common: Common) -> str:
    """What the data are, short enough for the foot of a figure."""
    lines = {
        "demo": "demo data: not comparable with the paper's numbers",
        "study": "a synthetic world, like the demo's with larger test sets: not comparable with the paper's numbers",
        "real": "real opinion scores, small networks on published features",
    }
    return lines.get(common.scale, f"scale of the data: {common.scale}")


def scale_warning(common: Common) -> str:
    """What a reader must know about the data before any number."""
    if common.scale == "real":
        return (
            f"{data_line(common)}: where our rows are of such a network, only differences between rows can be held "
            "against the paper's"
        )
    return data_line(common)


def protocol_definitions(common: Common) -> dict[str, str]:
    """One sentence for each protocol."""
    weights = {"ema": "EMA weights where the method has them", "raw": "raw weights"}[common.released.weights]
    fixed = "; where tests are random, their clips are drawn once and not in every epoch (discrepancies P1, F1)"
    epoch = {"last": "the last epoch", "best": "the epoch with the best test SRCC"}[common.released.train_epoch]
    return {
        "released": "as the paper's code does it, for each metric the epoch with the best test value "
        f"({weights}), so the test set picks the model; train values are taken on the fly while training, "
        f"at {epoch}{fixed if common.released.draw == 'fixed' else ''}.",
        "clean": "nothing is picked on the test set: EMA weights, where the method has them, after the last epoch, "
        "deterministic sampling; train values come from the same model in evaluation mode.",
    }


def interval_definition() -> str:
    """What the printed intervals are, and what they leave out."""
    return (
        "[low, high] is the 95 % interval: of the mean of three trainings and more over other trainings and other "
        "items, of fewer trainings over other items alone. It does not cover the choice of the epoch."
    )


def one_epoch(rows: str) -> str:
    """About rows whose method picks one epoch for all metrics (discrepancy P1)."""
    return (
        f"in the released protocol, SRCC and PLCC of {rows} come from one epoch, the one with the best SRCC on the "
        "first test split of the data set."
    )


def mapped_plcc(rows: str) -> str:
    """About rows whose method maps its test predictions before PLCC (discrepancy P10)."""
    return (
        f"in the released protocol, the test PLCC of {rows} is that of predictions mapped to the MOS by a 4-parameter "
        "logistic, which is fitted on the test set itself (discrepancy P10). Train values, the clean protocol and all "
        "other rows are raw, so a released PLCC gap of these rows is raw minus mapped."
    )
