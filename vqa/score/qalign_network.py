"""Q-Align's network through ``transformers``, behind the protocol of :mod:`vqa.score.qalign` (MULTIBRANCH_A 13.3).

A folder as its authors publish it holds 8 billion weights in half precision (16 GB), a tokenizer, and the Python code
of the network, which ``transformers`` runs. So the code has to be vouched for by its digest, as a file of weights is by
its own; weights are read as safetensors alone.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.io import InputError, digest, file_digest
from vqa.methods.base import Inputs, Reader, Stream
from vqa.score.qalign import LEVELS, VIDEO_PROMPT, frame_indices, pixels, prompt_ids, score
from vqa.score.scorer import Scorer


class LevelNetwork(nn.Module):
    """A language model that is shown a video and asked for the next word.

    Args:
        model: takes ``input_ids`` ``(1, n)`` and ``images``, a list of ``(K, 3, 448, 448)``; gives ``logits``.
        tokenizer: its tokenizer, whose every answer begins with the begin-of-sequence id.
    """

    def __init__(self, model: nn.Module, tokenizer: Any) -> None:
        super().__init__()
        self.model = model

        def encode(text: str) -> list[int]:
            return tokenizer(text).input_ids

        self._prompt = prompt_ids(VIDEO_PROMPT, encode)
        self._levels = [encode(word)[1] for word in LEVELS]

    def forward(self, frames: Tensor) -> Tensor:
        """Pixels ``(1, K, 3, 448, 448)`` of one video to the logits ``(1, 5)`` of the levels as next word."""
        weight = next(self.model.parameters())
        ids = torch.tensor([self._prompt], device=weight.device)
        logits = self.model(input_ids=ids, images=[frames[0].to(weight)]).logits
        return logits[:, -1, self._levels]


class Protocol:
    """What :class:`vqa.score.scorer.Scorer` asks of a method: one video at a time, a frame a second."""

    config, batch_size = None, 1

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Pixels ``(K, 3, 448, 448)`` float32; ValueError for an image, or a video of less than a second."""
        frames = read.frames(frame_indices(item.n_frames, item.fps))
        return torch.from_numpy(np.stack([pixels(frame) for frame in frames]))

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Scores ``(1,)`` in [0, 1], computed in float64 as the evaluation scripts do."""
        return score(model(inputs).double())


def code_digest(folder: Path) -> str:
    """SHA-256 of the names and contents of the Python files of ``folder``, "" if it has none."""
    files = sorted(folder.glob("*.py"))
    return digest("".join(f"{file_digest(file)}  {file.name}\n" for file in files)) if files else ""


def qalign_scorer(folder: Path, sha256: str | None, device: torch.device) -> Scorer:
    """The network of ``folder``.

    Args:
        folder: with ``config.json``, the tokenizer, weights as ``*.safetensors``, and the network's code.
        sha256: :func:`code_digest` of the folder, as its user vouches for it.
        device: half precision on a GPU, single on a CPU.

    Raises:
        InputError: if the folder is not such a one, its code is not vouched for, or ``transformers`` is not installed.
    """
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise InputError(f"{folder}: no folder with config.json and *.safetensors, as q-future/q-align-vqa has them")
    if (code := code_digest(folder)) and sha256 != code:
        raise InputError(f"{folder}: its Python files would be run; read them, then vouch for them: --sha256 {code}")
    try:
        transformers = import_module("transformers")
    except ImportError:
        raise InputError("Q-Align's network needs transformers: pip install -e '.[qalign]' in the project") from None
    known = {"local_files_only": True, "trust_remote_code": True}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=False, **known)
    kind = torch.float16 if device.type == "cuda" else torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, torch_dtype=kind, use_safetensors=True, **known)
    return Scorer(LevelNetwork(model, tokenizer).to(device).eval(), Protocol(), device)
