"""How sharp a minimum is, in single numbers: read off a landscape curve, or found with gradients.

All are taken at the weights a model has, on fixed mini-batches and in evaluation mode. The numbers of a curve and the
worst rise are measured relative to the weights, so they compare networks of different scale; the Hessian's eigenvalue
is not, and a network can be rescaled to any value of it without changing its function (Dinh et al. 2017).
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vqa.landscape.curves import BatchLoss, evaluating
from vqa.optim.perturb import WeightPerturbation


def mean_rise(alphas: np.ndarray, losses: np.ndarray, alpha: float) -> float:
    """Mean of L(theta + s d) - L(theta) over directions d and both signs of s = +-``alpha``: flat is near 0.

    Paper eq. 6 for a random step of fixed relative length, v = s d.

    Args:
        alphas: ``(points,)`` of a curve.
        losses: ``(directions, points)``, from :func:`vqa.landscape.curves.curve`.
        alpha: > 0; it, its negative and 0 must be among ``alphas``.

    Raises:
        ValueError: if a point is missing.
    """
    low, centre, high = _around_zero(alphas, losses, alpha)
    return float(((low + high) / 2 - centre).mean())


def curvature(alphas: np.ndarray, losses: np.ndarray, step: float) -> np.ndarray:
    """Second derivative of the loss along every direction at alpha 0, ``(directions,)``: an estimate of d' H d.

    Central differences, (L(step) - 2 L(0) + L(-step)) / step^2, with an error of order step^2 and a rounding error of
    about 4 eps L / step^2. For random filter-normalised directions the mean over them estimates (as Hutchinson's
    estimator does) the trace of the Hessian with every filter's share weighted by its mean squared weight.

    Args:
        alphas: ``(points,)`` of a curve; three are enough.
        losses: ``(directions, points)``, from :func:`vqa.landscape.curves.curve`.
        step: > 0; it, its negative and 0 must be among ``alphas``.

    Raises:
        ValueError: if a point is missing.
    """
    low, centre, high = _around_zero(alphas, losses, step)
    return (low - 2 * centre + high) / step**2


def _around_zero(alphas: np.ndarray, losses: np.ndarray, step: float) -> list[np.ndarray]:
    """Losses ``(directions,)`` at -step, 0 and step."""
    if not step > 0:
        raise ValueError(f"step: {step} must be positive")
    alphas, columns = np.asarray(alphas), []
    for wanted in (-step, 0.0, step):
        (found,) = np.nonzero(np.abs(alphas - wanted) <= 1e-9)
        if len(found) != 1:
            raise ValueError(f"alphas: {wanted} must be among them exactly once; choose a step that the curve has")
        columns.append(np.asarray(losses)[:, found[0]])
    return columns


def worst_rise(model: nn.Module, loss: BatchLoss, perturbation: WeightPerturbation, steps: int = 1) -> float:
    """L(theta + v) - L(theta) for the adversarial v of AWP: the inner maximum of paper eq. 10-12, from below.

    One v for all batches, along the gradient of their mean loss. With one step it is what
    :class:`vqa.optim.perturb.WeightPerturbation` does in training. Every further step moves the tensors that the first
    one moved by gamma ||w|| along their gradient at theta + v and projects back on the ball or box around theta; the
    largest rise of all steps counts, so more steps never lower it.

    Args:
        model: its weights, gradients and modes are left as they were.
        loss: mean over fixed mini-batches.
        perturbation: size, tensors and projection; its direction must be ``gradient``.
        steps: >= 1.

    Raises:
        ValueError: if the direction is random, ``steps`` is below 1 or no parameter requires gradients.
    """
    if perturbation.direction != "gradient" or steps < 1:
        raise ValueError("the worst rise needs a perturbation with direction gradient, and at least one step")
    _trainable(model)
    clean_loss = loss(model)
    clean = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    with evaluating(model), _own_gradients(model):
        _set_gradients(model, loss)
        with perturbation.perturbed(model, torch.Generator()):
            rises = [loss(model) - clean_loss]
            chosen = [(parameter, weight) for parameter, weight in clean if not torch.equal(parameter, weight)]
            for _ in range(steps - 1):
                _set_gradients(model, loss)
                for parameter, weight in chosen:
                    _ascend(parameter, weight, perturbation)
                rises.append(loss(model) - clean_loss)
    return max(rises)


@torch.no_grad()
def _ascend(parameter: nn.Parameter, weight: Tensor, perturbation: WeightPerturbation) -> None:
    """v <- project(v + gamma ||w|| g / ||g||), w the clean weights; a tensor without a usable gradient stays."""
    assert parameter.grad is not None, "only weights with a gradient are chosen"
    norm, radius = parameter.grad.norm(), perturbation.gamma * weight.norm()
    if not torch.isfinite(norm) or norm == 0:
        return
    v = parameter - weight + radius * parameter.grad / norm
    if perturbation.projection == "box":
        box = perturbation.gamma * weight.abs()
        v = torch.clamp(v, -box, box)
    else:
        v = v * (radius / v.norm().clamp(min=torch.finfo(v.dtype).tiny)).clamp(max=1)
    parameter.copy_(weight + v)


@dataclass(frozen=True)
class TopEigenvalue:
    """Result of a power iteration on the Hessian.

    Attributes:
        value: the eigenvalue of largest magnitude; negative where that one is, which is then not the largest.
        iterations: Hessian-vector products it took.
        residual: ||H v - value v|| for the unit vector v found; some eigenvalue is that close to ``value``.
        converged: whether the residual came down to the tolerance. Not so, for one, if the eigenvalues of largest
            magnitude are a pair of opposite signs.
    """

    value: float
    iterations: int
    residual: float
    converged: bool


def top_eigenvalue(
    model: nn.Module,
    loss: BatchLoss,
    generator: torch.Generator,
    tolerance: float = 1e-3,
    max_iterations: int = 100,
) -> TopEigenvalue:
    """Eigenvalue of largest magnitude of the Hessian of the mean loss, over all parameters that require gradients.

    Power iteration with exact Hessian-vector products (Pearlmutter 1994): the gradient of g'v, batch by batch.

    Args:
        model: its weights, gradients and modes are left as they were.
        loss: mean over fixed mini-batches.
        generator: on the CPU; gives the start vector.
        tolerance: stop when the residual is at most this times |value|.
        max_iterations: stop after this many products.

    Returns:
        See :class:`TopEigenvalue`. A loss without second derivatives gives 0.

    Raises:
        ValueError: if a product is not finite, the limits make no sense or no parameter requires gradients. A product
            is not finite, too, where the model takes the standard deviation of a constant: it has no second derivative.
    """
    if not tolerance > 0 or max_iterations < 1:
        raise ValueError("tolerance must be positive and max_iterations at least 1")
    parameters = _trainable(model)
    product = [torch.randn(p.shape, generator=generator, dtype=torch.float32).to(p.detach()) for p in parameters]
    norm = _norm(product)
    with evaluating(model):
        for iteration in range(1, max_iterations + 1):
            vector = [h / norm for h in product]
            product = _hessian_times(model, loss, parameters, vector)
            norm = _norm(product)
            if not math.isfinite(norm):
                raise ValueError(
                    "the Hessian is not finite at these weights: the loss is not, or a square root of 0 is in the model"
                )
            value = sum((v * h).sum(dtype=torch.float64).item() for v, h in zip(vector, product, strict=True))
            residual = _norm([h - value * v for v, h in zip(vector, product, strict=True)])
            if residual <= tolerance * abs(value):
                return TopEigenvalue(value, iteration, residual, True)
    return TopEigenvalue(value, max_iterations, residual, False)


def _hessian_times(model: nn.Module, loss: BatchLoss, parameters: list[Tensor], vector: list[Tensor]) -> list[Tensor]:
    """H v for the Hessian of the mean loss; the graph of one batch is held at a time."""
    result = [torch.zeros_like(v) for v in vector]
    with torch.enable_grad():
        for term in loss.terms(model):
            gradients = torch.autograd.grad(term, parameters, create_graph=True, allow_unused=True)
            # Where the loss is linear, the gradient is a constant that cannot be differentiated again.
            pairs = [(g, v) for g, v in zip(gradients, vector, strict=True) if g is not None and g.requires_grad]
            if not pairs:
                continue
            outputs, weights = zip(*pairs, strict=True)
            second = torch.autograd.grad(outputs, parameters, grad_outputs=weights, allow_unused=True)
            for total, h in zip(result, second, strict=True):
                if h is not None:
                    total.add_(h, alpha=1 / len(loss.batches))
    return result


def _norm(vector: list[Tensor]) -> float:
    return math.sqrt(sum(v.square().sum(dtype=torch.float64).item() for v in vector))


def _trainable(model: nn.Module) -> list[Tensor]:
    parameters: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("no parameter requires gradients; call model.requires_grad_() first")
    return parameters


def _set_gradients(model: nn.Module, loss: BatchLoss) -> None:
    """Leave the gradient of the mean loss in ``p.grad``."""
    model.zero_grad(set_to_none=True)
    with torch.enable_grad():
        for term in loss.terms(model):
            (term / len(loss.batches)).backward()


@contextmanager
def _own_gradients(model: nn.Module) -> Iterator[None]:
    """Put aside the gradients that the model holds, and give them back on exit."""
    held = [(parameter, parameter.grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        for parameter, gradient in held:
            parameter.grad = gradient
