"""Q-Align's network behind its protocol: prompt and logits, a folder that is vouched for, and scores of files."""

import importlib.util
import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from clips import write_video
from safetensors.torch import save_file
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.io import InputError
from vqa.score import qalign
from vqa.score.qalign_network import LevelNetwork, Protocol, code_digest, qalign_scorer

CPU = torch.device("cpu")
WORDS = {word: 3 + number for number, word in enumerate(qalign.LEVELS)}

# What a published folder holds, in small: a model that answers with the mean of a picture, and a tokenizer of letters.
MODEL = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput


class TinyConfig(PretrainedConfig):
    model_type = "tiny"


class Tiny(PreTrainedModel):
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__(config)
        self.answer = nn.Linear(1, 300)

    def forward(self, input_ids, images):
        shown = images[0].mean().view(1, 1, 1).expand(1, input_ids.shape[1], 1)
        return CausalLMOutput(logits=self.answer(shown))
"""
TOKENIZER = """
from transformers import PreTrainedTokenizer

WORDS = {"excellent": 3, "good": 4, "fair": 5, "poor": 6, "bad": 7}


class Letters(PreTrainedTokenizer):
    vocab_size = 300

    def get_vocab(self):
        return {}

    def _tokenize(self, text):
        return [text] if text in WORDS else list(text)

    def _convert_token_to_id(self, token):
        return WORDS.get(token, ord(token[0]) % 300)

    def build_inputs_with_special_tokens(self, ids, other=None):
        return [1, *ids]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the form of q-future/q-align-vqa."""
    out = tmp_path / "q-align"
    out.mkdir()
    known = {"AutoConfig": "modeling_tiny.TinyConfig", "AutoModelForCausalLM": "modeling_tiny.Tiny"}
    (out / "config.json").write_text(json.dumps({"model_type": "tiny", "auto_map": known}))
    own = {"tokenizer_class": "Letters", "auto_map": {"AutoTokenizer": ["tokenization_tiny.Letters", None]}}
    (out / "tokenizer_config.json").write_text(json.dumps(own))
    (out / "modeling_tiny.py").write_text(MODEL)
    (out / "tokenization_tiny.py").write_text(TOKENIZER)
    generator = torch.Generator().manual_seed(3)
    weights = {"answer.weight": torch.randn(300, 1, generator=generator), "answer.bias": torch.zeros(300)}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    return out


class Speaker(nn.Module):
    """Logits that tell the position, the word and the frames apart."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.asked: list[list[int]] = []

    def forward(self, input_ids: Tensor, images: list[Tensor]) -> SimpleNamespace:
        self.asked += input_ids.tolist()
        places, words = torch.arange(input_ids.shape[1])[:, None], torch.arange(20)[None]
        assert images[0].dtype == torch.float64, "that of the weights"
        return SimpleNamespace(logits=(1000 * places + words + images[0].mean())[None])


def tokenizer(text: str) -> SimpleNamespace:
    return SimpleNamespace(input_ids=[1, WORDS[text]] if text in WORDS else [1, *map(ord, text)])


def test_logits_are_those_of_the_levels_after_the_last_word() -> None:
    speaker = Speaker()
    found = LevelNetwork(speaker, tokenizer)(torch.full((1, 2, 3, 4, 4), 0.25))
    (asked,) = speaker.asked
    assert asked.count(qalign.PLACEHOLDER_ID) == 1
    assert asked.count(1) == 1, "one begin of sequence"
    assert found.tolist() == [[1000 * (len(asked) - 1) + word + 0.25 for word in WORDS.values()]]


def test_a_frame_a_second_is_shown() -> None:
    item, asked = Item("a.mp4", 0.0, 100, 9, 16, 24.0, "h264", 0, 0), []

    def frames(indices: np.ndarray) -> np.ndarray:
        asked.append(indices.tolist())
        return np.zeros((len(indices), 9, 16, 3), np.uint8)

    shown = Protocol().sample(item, SimpleNamespace(frames=frames), "clean", lambda _: torch.Generator())
    assert asked == [[0, 24, 48, 72]]
    assert isinstance(shown, Tensor)
    assert shown.shape == (4, 3, qalign.SIDE, qalign.SIDE)


def test_code_that_nobody_vouches_for_is_not_run(folder: Path) -> None:
    digest = code_digest(folder)
    for given in (None, "0" * 64):
        with pytest.raises(InputError, match=digest):
            qalign_scorer(folder, given, CPU)
    (folder / "modeling_tiny.py").write_text(MODEL + "\n")
    with pytest.raises(InputError, match="would be run"):
        qalign_scorer(folder, digest, CPU)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_without_a_part_is_refused(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match="no folder with"):
        qalign_scorer(folder, code_digest(folder), CPU)


@pytest.mark.skipif(importlib.util.find_spec("transformers") is not None, reason="transformers is installed")
def test_without_the_package_it_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="needs transformers: pip install"):
        qalign_scorer(folder, code_digest(folder), CPU)


def test_a_video_is_scored_through_the_package(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    frames = np.full((24, 32, 32, 3), 90, np.uint8)
    write_video(tmp_path / "grey.mp4", frames, rate=Fraction(12))
    result = qalign_scorer(folder, code_digest(folder), CPU).score(str(tmp_path / "grey.mp4"))
    assert (result.status, result.mos_estimate) == ("ok", None)
    generator = torch.Generator().manual_seed(3)
    answers = torch.randn(300, 1, generator=generator)[list(WORDS.values()), 0]
    mean = qalign.pixels(frames[0]).mean()
    expected = float(qalign.score((answers * float(mean)).double()))
    assert result.score == pytest.approx(expected, abs=0.02), "but for what coding does to grey"
