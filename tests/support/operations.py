"""Which operations of PyTorch ran, and which of them differ between processors of two makers."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vqa.models.exact import alike

# Tensor functions that PyTorch leaves to a library which computes them as the processor's maker would: an optimizer
# that is not fused takes the square root of every second moment.
LIBRARY = {"exp", "expm1", "erf", "erfc", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "tanh", "sqrt"}
LIBRARY |= {f"_foreach_{name}" for name in LIBRARY} | {"mv", "addmv", "dot", "vdot", "addbmm", "baddbmm"}
LIBRARY |= {"mkldnn_convolution", "_nnpack_spatial_convolution", "_slow_conv2d_forward", "slow_conv3d_forward"}


class Seen(TorchDispatchMode):
    """Operations on float32 that ran, and what was wrong with them.

    Attributes:
        names: without namespace, overload and the underscore of those in place.
        wrong: operations of :data:`LIBRARY`, and matrix products of sizes that are not multiplied alike everywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.wrong: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = function.name().partition("::")[2].partition(".")[0].rstrip("_")
        shapes = [tuple(x.shape) for x in args if isinstance(x, torch.Tensor) and x.dtype == torch.float32]
        self.names.add(name)
        # Whole powers are products; -1/2 is a root that is not left to the library.
        root = name == "pow" and float(args[1]) != -0.5 and not float(args[1]).is_integer()
        if shapes and (name in LIBRARY or root):
            self.wrong.add(f"{name} {shapes}")
        if name in ("mm", "addmm", "bmm") and any(alike(n) != n for shape in shapes[-2:] for n in shape[-2:]):
            self.wrong.add(f"{name} {shapes}")
        return function(*args, **(kwargs or {}))
