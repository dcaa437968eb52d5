"""PVQ's method: what it reads of an item with and without patches, labels, weight decay, cycle, and learning."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vqa.methods import load_method
from vqa.methods.base import Branched, Cycled, Labelled, schedule, training_loss
from vqa.optim.fastai_adam import FastaiAdam, one_cycle
from vqa.rng import torch_generator
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError

STEPS, CHANNELS = 4, 12
BLOCK: dict[str, Any] = {
    "network": {"channels": CHANNELS, "filters": 4, "bottleneck": 4, "kernel": 4, "depth": 3},
    **{"steps": STEPS, "patches": True, "initial": "seed", "labels": "raw", "epochs": 10, "batch_size": 8},
    **{"lr": 0.01, "weight_decay": 0.1, "finetune": {"frozen_epochs": 0, "epochs": 3}},
}
MOS, PARTS = 60.0, np.array([50, 40, 30], np.float32)


def make(run: dict[str, Any] | None = None, **changes: Any) -> Any:
    row = {"init": "initial/pvq.safetensors", "data": "prepared/tiny", "train": "tiny", "test": ("tiny/test",)}
    return load_method("pvq", {**BLOCK, **changes}, Run(method="pvq", **{**row, **(run or {})}))


def sampled(method: Any, phase: str, regions: int = 4, parts: np.ndarray = PARTS) -> Any:
    rows = np.arange(regions * STEPS * CHANNELS, dtype=np.float32).reshape(regions * STEPS, CHANNELS)
    reader: Any = SimpleNamespace(features=lambda name: rows, patches=lambda: parts, mos_range=lambda: (20.0, 100.0))
    return method.sample(SimpleNamespace(), reader, phase, lambda purpose: torch_generator(purpose, 0))


@pytest.mark.parametrize(
    ("patches", "phase", "parts", "regions"),
    [(True, "train", PARTS, 4), (False, "train", PARTS, 1), (True, "train", PARTS[:0], 1)]
    + [(True, phase, PARTS, 1) for phase in ("released", "clean")],
)
def test_regions_of_an_item(patches: bool, phase: str, parts: np.ndarray, regions: int) -> None:
    method = make(patches=patches)
    given = sampled(method, phase, parts=parts)
    assert given["rows"].shape == (regions * STEPS, CHANNELS)
    assert given["rows"].flatten().tolist() == list(range(regions * STEPS * CHANNELS))
    batch = {name: torch.stack([value, value]) for name, value in given.items()}
    labels = method.labels(batch, torch.tensor([MOS, 80.0]))
    assert labels.tolist() == [[mos, *parts.tolist()[: regions - 1]] for mos in (MOS, 80.0)]
    model = method.build(torch_generator("init", 0)).eval()
    with torch.no_grad():
        scores = method.scores(model, batch)
    assert scores.shape == (2, regions)
    # The same network looks at every region by itself.
    for region in range(regions):
        alone = {**batch, "rows": batch["rows"][:, region * STEPS : (region + 1) * STEPS]}
        torch.testing.assert_close(method.scores(model, alone)[:, 0], scores[:, region])
    assert method.fuse(scores.numpy(), phase).tolist() == scores[:, 0].tolist()
    expected = torch.tensor([abs(s - t) for s, t in zip(scores.flatten(), labels.flatten(), strict=True)])
    torch.testing.assert_close(training_loss(method, scores, batch, torch.tensor([MOS, 80.0])), expected.mean())


def test_labels_over_the_range() -> None:
    method = make(labels="range")
    batch = {name: value[None] for name, value in sampled(method, "train").items()}
    assert method.labels(batch, torch.tensor([MOS])).tolist() == [[0.5, 0.375, 0.25, 0.125]]


def test_rows_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"features are \(4, 12\), and params want \(16, 12\)"):
        sampled(make(), "train", regions=1)
    with pytest.raises(ValueError, match=r"params want \(48, 12\)"):
        sampled(make(steps=12), "train")
    with pytest.raises(ParamsError, match="labels: 'z' is not one of raw, range"):
        make(labels="z")
    with pytest.raises(ParamsError, match="reads features"):
        make({"augmentation": "flip"})


def test_decay_on_weights_and_the_cycle_of_rate_and_momentum() -> None:
    method = make()
    assert isinstance(method, Branched)
    assert isinstance(method, Labelled)
    assert isinstance(method, Cycled)
    model = method.build(torch_generator("init", 0))
    optimizer = method.optimizer(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [{names[id(p)] for p in group["params"]} for group in optimizer.param_groups]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]
    assert all(name.endswith(".weight") and "bn" not in name for name in groups[0])
    assert groups[0] | groups[1] == set(names.values())
    assert {name for name in groups[1] if name.endswith(".weight")} == {
        *(f"inception_time.block.inc_mods.{d}.bn.weight" for d in range(3)),
        "inception_time.block.res_layers.2.1.weight",
    }
    for step in (0, 12, 25, 49):
        schedule(method, optimizer, [0.01, 0.01], step, 5)
        rate, momentum = one_cycle(step / 50)
        assert all((g["lr"], g["momentum"]) == (0.01 * rate, momentum) for g in optimizer.param_groups)


def test_adam_by_its_formula() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = FastaiAdam([{"params": [weight], "weight_decay": 0.1}], 0.5)
    w, m, v = weight.detach().numpy().copy(), np.zeros(3), np.zeros(3)
    for k, (rate, mom) in enumerate([(0.02, 0.95), (0.5, 0.85), (0.1, 0.9)], start=1):
        gradient = np.array([0.3 * k, -1.0 / k, 0.0])
        weight.grad = torch.from_numpy(gradient.copy())
        optimizer.param_groups[0].update(lr=rate, momentum=mom)
        optimizer.step()
        w, m, v = w * (1 - rate * 0.1), mom * m + (1 - mom) * gradient, 0.99 * v + 0.01 * gradient**2
        w = w - rate / (1 - mom**k) * m / (np.sqrt(v / (1 - 0.99**k)) + 1e-5)
        np.testing.assert_allclose(weight.detach(), w, rtol=1e-14)


def test_adam_goes_on_where_it_was_stopped() -> None:
    def steps(weight: torch.nn.Parameter, optimizer: FastaiAdam, numbers: range) -> None:
        for k in numbers:
            weight.grad = torch.full_like(weight, 0.1 * k)
            optimizer.step()

    whole, cut = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    steps(whole, FastaiAdam([whole], 0.1), range(1, 6))
    stopped = FastaiAdam([cut], 0.1)
    steps(cut, stopped, range(1, 4))
    again = FastaiAdam([cut], 0.1)
    again.load_state_dict(stopped.state_dict())
    steps(cut, again, range(4, 6))
    assert torch.equal(whole, cut)


@pytest.mark.parametrize("patches", [True, False])
def test_it_learns(patches: bool) -> None:
    """Noise whose level says the MOS, of a video and of its parts."""
    method, generator = make(labels="range", patches=patches, lr=0.02), torch_generator("test", 0)
    regions, n = 4 if patches else 1, 64
    quality = torch.rand(n, 4, generator=generator)
    noise = torch.randn(n, 4, STEPS, CHANNELS, generator=generator)
    rows = (noise.abs() * (0.2 + quality[:, :, None, None])).flatten(1, 2)
    mos = 20 + 80 * quality
    batch = {"rows": rows[:, : regions * STEPS], "labels": mos[:, 1:regions]}
    batch["range"] = torch.tensor([20.0, 100.0]).expand(n, 2)
    model = method.build(torch_generator("init", 0)).train()
    optimizer = method.optimizer(model)
    losses = []
    for step in range(100):
        schedule(method, optimizer, [0.02, 0.02], step, 10)
        optimizer.zero_grad()
        loss = training_loss(method, method.scores(model, batch), batch, mos[:, 0])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]
    correlation = np.corrcoef(method.fuse(method.scores(model.eval(), batch).detach().numpy(), "clean"), mos[:, 0])
    assert correlation[0, 1] > 0.9


def test_nothing_of_a_step_goes_to_a_library_whose_bytes_differ_between_processors() -> None:
    class Names(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            names.add(function.overloadpacket.__name__.strip("_"))
            return function(*args, **(kwargs or {}))

    names: set[str] = set()
    weight = torch.nn.Parameter(torch.ones(3, 4))
    weight.grad = torch.ones(3, 4)
    optimizer = FastaiAdam([weight], 0.1)
    with Names():
        optimizer.step()
    assert "addcdiv" in names
    assert not names & {"sqrt", "foreach_sqrt", "exp", "log"}
