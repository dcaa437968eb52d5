"""What methods have in common that train by the recipe of their block of params (:mod:`vqa.methods.base`)."""

from typing import Any

from vqa.methods.base import Recipe, Reporting, adapt, from_seed
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError, build


class Trained:
    """The attributes of :class:`vqa.methods.base.Method`, from a block of params; what differs a method says itself.

    Args:
        config: dataclass with ``initial``, ``epochs`` and ``batch_size``.
        frozen_epochs: how many of the epochs keep the backbone fixed.
    """

    config: Any
    reporting = Reporting()
    drop_last = False
    ema_decay = 0.0
    precision = "fp32"

    def __init__(self, config: Any, frozen_epochs: int = 0) -> None:
        self.config, self.initial = config, config.initial
        self.epochs, self.frozen_epochs, self.batch_size = config.epochs, frozen_epochs, config.batch_size


class Whitened(Trained):
    """One with averaged weights, and a patch embedding that may be whitened (:func:`vqa.models.patches.whiten`).

    Attributes:
        fits: whether it is: params say so, and the run starts from the seed.
    """

    def __init__(self, config: Any, run: Run, frozen_epochs: int = 0) -> None:
        super().__init__(config, frozen_epochs)
        self.ema_decay = config.ema_decay
        self.fits = config.patch_embedding == "whitened" and from_seed(config.initial, run)


def no_augmentation(run: Run, where: str, reason: str) -> None:
    """Raise ParamsError, with the ``reason``, if the run augments its training clips."""
    if run.augmentation != "none":
        raise ParamsError(f"{where}: augmentation {run.augmentation!r} {reason}")


def configured(
    kind: type[Recipe],
    block: dict[str, Any],
    run: Run,
    where: str,
    reason: str = "is for pictures, and this method reads features",
) -> tuple[Recipe, int]:
    """Recipe of a method without augmentation, changed by ``run``, and its frozen epochs.

    ParamsError says what does not fit; ``reason``, why there is no augmentation.
    """
    config = build(kind, block, where)
    no_augmentation(run, where, reason)
    return adapt(config, run)
