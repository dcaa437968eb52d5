"""Initialisation of every parameter from one explicit stream (METHODS 3.3)."""

import math

import torch
from torch import nn


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator, linear_std: float = 0.02) -> None:
    """Overwrite all parameters of ``model`` in place, in registration order.

    Linear weights and relative position bias tables: normal with std ``linear_std``, truncated at +-2. Linear biases
    and fragment bias tables: 0. Norms: 1 and 0. Convolutions: uniform in +-1/sqrt(fan_in), the library default.

    Raises:
        TypeError: if a parameter belongs to a module that no rule covers, rather than leave it to a hidden default.
    """
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        if not own:
            continue
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=linear_std, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.LayerNorm):
            module.weight.fill_(1)
            module.bias.zero_()
        elif isinstance(module, nn.modules.conv._ConvNd):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in own.values():
                parameter.uniform_(-bound, bound, generator=generator)
        elif set(own) <= {"relative_position_bias_table", "fragment_position_bias_table"}:
            nn.init.trunc_normal_(own["relative_position_bias_table"], std=linear_std, generator=generator)
            if "fragment_position_bias_table" in own:
                own["fragment_position_bias_table"].zero_()
        else:
            raise TypeError(f"no initialisation rule for {name} ({type(module).__name__})")
