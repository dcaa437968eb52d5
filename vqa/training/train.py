"""Training of one run: any method and perturbation, resumable after every epoch (METHODS 2, 3.6-3.7)."""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from tqdm import tqdm

from vqa.data.items import Part
from vqa.io import InputError, atomic, write_csv
from vqa.methods.base import SEED, Fitted, Inputs, Method, one_score, schedule, training_loss
from vqa.models.dropout import random_masks
from vqa.models.swin3d import compile_backbone
from vqa.optim.perturb import Perturbation
from vqa.optim.schedule import ExponentialMovingAverage
from vqa.rng import torch_generator
from vqa.settings.params import Common, Run
from vqa.stats.metrics import correlations
from vqa.training.clips import ClipDataset, Loader, released_epochs
from vqa.training.loader import Batch, Position, batches, cuts, loaded, shuffled, to_device
from vqa.training.predict import check_scores, predict_batches, prediction_rows
from vqa.training.predictions import PREDICTIONS, read_rows

CURVE = [
    *("epoch", "dataset", "loss", "train_srcc", "train_plcc"),
    *("test_srcc_ema", "test_plcc_ema", "test_srcc_raw", "test_plcc_raw", "fold"),
]


def training_step(
    model: nn.Module,
    method: Method,
    optimizer: torch.optim.Optimizer,
    perturbation: Perturbation,
    inputs: Inputs,
    mos: Tensor,
    position: tuple[int, int, int],
) -> tuple[Tensor, Tensor]:
    """One optimizer step on a mini-batch; the learning rates are those of the optimizer's groups.

    Args:
        model: in training mode; left with new weights.
        method: gives scores and loss.
        optimizer: of the model's parameters.
        perturbation: how the gradient is computed.
        inputs: of ``B`` items, on the model's device.
        mos: ``(B,)`` on the model's device, dtype of the scores.
        position: seed, epoch and step: names the streams of dropout and of random perturbation.

    Returns:
        Scores ``(B,)`` or ``(B, k)``, and loss, a scalar, of the pass at the clean weights; nothing waits for a GPU.
    """
    device = str(mos.device)

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        optimizer.zero_grad(set_to_none=True)
        with random_masks(model, torch_generator("dropout", *position, int(second_pass), device=device)):
            scores = method.scores(model, inputs, second_pass)
        loss = training_loss(method, scores, inputs, mos)
        loss.backward()
        return scores.detach(), loss.detach()

    scores, loss = perturbation.gradients(model, backward, torch_generator("perturb", *position, device=device))
    optimizer.step()
    return scores, loss


def initial_weights(file: Path, run: Run, method: Method, seed: int, common: Common) -> dict[str, Tensor]:
    """State dict that a training starts from: that of its file, or one drawn as it was but from another seed."""
    if seed == common.seed or run.parent is not None or method.initial != SEED:
        return load_file(file)
    return method.build(torch_generator("init", seed)).state_dict()


class Trainer:
    """One training in progress.

    Args:
        method: what to train.
        initial: state dict that the model starts from.
        perturbation: how gradients are computed.
        train: the items to train on.
        tests: the items of every test set; scored after every epoch, as released.
        seed: of all streams.
        loader: how clips are loaded.
        device: to train on.
        state: file that holds the state after the last full epoch, beside one for the predictions of every epoch;
            written by :meth:`run`, removed by the caller, who also sees to it that a run of another configuration has
            another file.
        compiled: compile the blocks of the network.
        draw: ``epoch``: the clips of the released tests are drawn anew in every epoch; ``fixed``: once.
    """

    def __init__(
        self,
        method: Method,
        initial: dict[str, Tensor],
        perturbation: Perturbation,
        train: Part,
        tests: list[Part],
        seed: int,
        loader: Loader,
        device: torch.device,
        state: Path,
        compiled: bool = False,
        draw: str = "epoch",
    ) -> None:
        self.method, self.perturbation = method, perturbation
        self.seed, self.loader, self.device = seed, loader, device
        self.state = state
        drawn = released_epochs(method, draw)
        self.train_clips = ClipDataset(train, method, "train", seed, range(1, method.epochs + 1), loader)
        self.tests = [ClipDataset(part, method, "released", seed, drawn, loader) for part in tests]
        self.model = method.build(torch_generator("init", seed))
        self.model.load_state_dict(initial)
        if isinstance(method, Fitted):
            method.fit(self.model, self._clean_inputs())
        self.model.to(device)
        self.ema = ExponentialMovingAverage(self.model, method.ema_decay)
        if compiled:
            compile_backbone(self.model)
            compile_backbone(self.ema.module)
        self.optimizer = method.optimizer(self.model)
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.epoch = 0
        self.curve = pd.DataFrame(columns=CURVE)
        self.predictions = pd.DataFrame(columns=PREDICTIONS)

    def run(self, keep_epochs: tuple[int, ...], keep: Path) -> None:
        """Train to the end, from the saved state if there is one; fills ``curve`` and ``predictions``.

        Args:
            keep_epochs: epochs (from 1) whose weights are kept as well.
            keep: folder that their files ``epoch_<k>_{ema,raw}.safetensors`` are written to.
        """
        self._resume()
        epochs = range(self.epoch + 1, self.method.epochs + 1)
        stream = loaded([self.train_clips, *self.tests], self._batches(epochs), self.loader.workers)
        for epoch in tqdm(epochs, desc="epochs", total=self.method.epochs, initial=self.epoch, disable=None):
            loss, scores = self._train_epoch(epoch, stream)
            self._test_epoch(epoch, loss, scores, stream)
            if epoch in keep_epochs:
                self.save_weights(keep, f"epoch_{epoch}")
            self.epoch = epoch
            self._checkpoint()

    def save_weights(self, folder: Path, name: str) -> None:
        """Write ``<name>_raw.safetensors`` and ``<name>_ema.safetensors``: the state dicts of both models."""
        for weights, model in (("raw", self.model), ("ema", self.ema.module)):
            content = save({key: value.contiguous() for key, value in model.state_dict().items()})
            with atomic(folder / f"{name}_{weights}.safetensors") as draft:
                draft.write_bytes(content)

    def _clean_inputs(self) -> Iterator[Inputs]:
        """Inputs of all training items in batches, as the clean protocol looks at them; nothing before it is asked."""
        clean = ClipDataset(self.train_clips.part, self.method, "clean", self.seed, (0,), self.loader)
        for inputs, _, _ in batches(clean, range(len(clean)), 0, self.method.batch_size, self.loader.workers):
            yield inputs

    def _order(self, epoch: int) -> list[int]:
        """The training items of an epoch, one batch after the other."""
        n, batch_size = len(self.train_clips), self.method.batch_size
        order = shuffled(n, self.seed, epoch)
        if self.method.drop_last:
            order = order[: n - n % batch_size]
        if not order:
            raise InputError(f"{self.train_clips.part.key}: {n} items make no batch of {batch_size}; lower batch_size")
        return order

    def _batches(self, epochs: Iterable[int]) -> Iterator[list[Position]]:
        """All batches in the order in which they are used: those to train on, then those of every test set."""
        for epoch in epochs:
            orders = [self._order(epoch), *(range(len(clips)) for clips in self.tests)]
            for which, order in enumerate(orders):
                yield from cuts(which, order, epoch, self.method.batch_size)

    def _train_epoch(self, epoch: int, stream: Iterator[Batch]) -> tuple[float, np.ndarray]:
        """One pass over the training set: mean clean loss, and on-the-fly scores ``(n,)``, NaN for items left out."""
        order, batch_size = self._order(epoch), self.method.batch_size
        steps = -(-len(order) // batch_size)
        scores, losses = [], []
        self.model.train()
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_("backbone" not in name or epoch > self.method.frozen_epochs)
        shown = tqdm(islice(stream, steps), desc=f"epoch {epoch}", total=steps, leave=False, disable=None)
        for step, (inputs, mos, _) in enumerate(shown):
            schedule(self.method, self.optimizer, self.base_rates, (epoch - 1) * steps + step, steps)
            inputs, mos = to_device(inputs, self.device), mos.float().to(self.device, non_blocking=True)
            position = (self.seed, epoch, step)
            out, loss = training_step(self.model, self.method, self.optimizer, self.perturbation, inputs, mos, position)
            self.ema.update(self.model)
            scores.append(out)
            losses.append(loss)
        # Read once, so that the device need not be waited for after every step.
        found = np.full(len(self.train_clips), np.nan)
        outputs = torch.cat(scores).double().cpu().numpy()
        check_scores(outputs, self.train_clips.part, epoch)
        found[order] = one_score(self.method, outputs, "train")
        values = torch.stack(losses).double().cpu().numpy()
        # A last batch of one item has no order, so that a loss of order has no value there, and no gradient.
        undefined = len(values) > 1 and len(order) % batch_size == 1 and np.isnan(values[-1])
        return float(np.mean(values[:-1] if undefined else values)), found

    def _test_epoch(self, epoch: int, loss: float, train_scores: np.ndarray, stream: Iterator[Batch]) -> None:
        """Score every test set with both models as released, and append to curve and predictions."""
        train = self.train_clips.part
        predictions = [prediction_rows(train, train_scores, epoch, "on-the-fly", "released")]
        seen = ~np.isnan(train_scores)
        train_metrics = correlations(train_scores[seen], train.mos[seen])
        models = {"ema": self.ema.module, "raw": self.model}
        if self.method.ema_decay == 0:
            del models["ema"]  # it is the model itself
        curve = []
        for clips in self.tests:
            steps = -(-len(clips) // self.method.batch_size)
            own = tqdm(islice(stream, steps), desc=clips.part.key, total=steps, leave=False, disable=None)
            found = predict_batches(list(models.values()), self.method, clips, epoch, own, self.device)
            scores = dict(zip(models, found, strict=True))
            test_metrics: list[float] = []
            for weights in ("ema", "raw"):
                out = scores.get(weights, found[0])
                predictions.append(prediction_rows(clips.part, out, epoch, weights, "released"))
                test_metrics += correlations(out, clips.part.mos)
            fold = train.cut.seed if train.cut else 0
            curve.append([epoch, clips.part.key, loss, *train_metrics, *test_metrics, fold])
        self.predictions = _append(self.predictions, *predictions)
        self.curve = _append(self.curve, pd.DataFrame(curve, columns=CURVE))

    def _checkpoint(self) -> None:
        """Write all that a resume needs; streams are named by position, so no generator state is among it."""
        # A file for every epoch: all of them anew after each would cost as much as a small training.
        write_csv(self._predictions_of(self.epoch), self.predictions[self.predictions.epoch == self.epoch])
        content = {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "curve": self.curve.to_csv(index=False),
        }
        # Not into the file at once: on a full disk PyTorch says no more than where in the file it was, and no OSError.
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with atomic(self.state) as draft:
            draft.write_bytes(buffer.getbuffer())

    def _resume(self) -> None:
        if not self.state.is_file():
            return
        saved = torch.load(self.state, map_location="cpu", weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.ema.module.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch = saved["epoch"]
        self.curve = pd.read_csv(io.StringIO(saved["curve"]))
        done = range(1, self.epoch + 1)
        self.predictions = pd.concat([read_rows(self._predictions_of(epoch)) for epoch in done], ignore_index=True)

    def _predictions_of(self, epoch: int) -> Path:
        return self.state.with_name(f"{self.state.stem}_epoch_{epoch}.csv")


def _append(table: pd.DataFrame, *rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([part for part in (table, *rows) if len(part)], ignore_index=True)
