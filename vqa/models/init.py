"""Initialisation of every parameter from one explicit stream (METHODS 3.3, 6.3)."""

import math

import torch
from torch import Tensor, nn

from vqa.settings.strict import one_of


@torch.no_grad()
def initialise(
    model: nn.Module, generator: torch.Generator, linear_std: float | None = 0.02, convolutions: str = "uniform"
) -> None:
    """Overwrite all parameters of ``model`` in place, in registration order.

    Fragment bias tables: 0. Layer and batch norms: 1 and 0, running statistics as of a new layer. Recurrent layers:
    uniform in +-1/sqrt(hidden size). The rest is chosen:

    Args:
        model: the network.
        generator: stream of all random numbers.
        linear_std: linear weights and relative position bias tables are normal with this std, truncated at +-2, and
            linear biases 0; None: linear weights and biases are uniform in +-1/sqrt(fan_in), the library default, and
            tables have no rule.
        convolutions: ``uniform``: weights and biases in +-1/sqrt(fan_in), the library default; ``kaiming``: weights
            normal with variance 2/fan_out (for ReLU), biases 0.

    Raises:
        TypeError: if a parameter belongs to a module that no rule covers, rather than leave it to a hidden default.
        ValueError: for an unknown option.
    """
    one_of("convolutions", convolutions, ("uniform", "kaiming"))
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        if not own:
            continue
        if isinstance(module, nn.Linear):
            if linear_std is None:
                _fill_uniform(own, module.in_features, generator)
            else:
                nn.init.trunc_normal_(module.weight, std=linear_std, generator=generator)
                _fill_zero(module.bias)
        elif isinstance(module, nn.GRU):
            _fill_uniform(own, module.hidden_size, generator)
        elif isinstance(module, nn.modules.conv._ConvNd):
            if convolutions == "uniform":
                _fill_uniform(own, module.weight[0].numel(), generator)
            else:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
                _fill_zero(module.bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_parameters()  # draws nothing: 1, 0 and the running statistics of a new layer
        elif isinstance(module, nn.LayerNorm):
            module.weight.fill_(1)
            _fill_zero(module.bias)
        elif linear_std is not None and set(own) <= {"relative_position_bias_table", "fragment_position_bias_table"}:
            nn.init.trunc_normal_(own["relative_position_bias_table"], std=linear_std, generator=generator)
            _fill_zero(own.get("fragment_position_bias_table"))
        else:
            raise TypeError(f"no initialisation rule for {name} ({type(module).__name__})")


def _fill_zero(parameter: Tensor | None) -> None:
    if parameter is not None:
        parameter.zero_()


def _fill_uniform(parameters: dict[str, Tensor], fan_in: int, generator: torch.Generator) -> None:
    bound = 1 / math.sqrt(fan_in)
    for parameter in parameters.values():
        parameter.uniform_(-bound, bound, generator=generator)
