"""What docs/extend.md shows is read and does what it says; its method is trained in tests/stages/test_toy_method.py."""

import re

import torch
import yaml
from project import ROOT
from torch import nn

import vqa.optim.perturb
from vqa.rng import torch_generator
from vqa.settings.params import load

PAGE = (ROOT / "docs" / "extend.md").read_text()


def merged(first: dict, second: dict) -> dict:
    """Both, blocks within blocks."""
    both = {
        key: merged(first[key], second[key]) for key in first.keys() & second.keys() if isinstance(first[key], dict)
    }
    return {**first, **second, **both}


def test_its_rows_fit_the_parameters_of_the_demo(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    params = yaml.safe_load(text)
    anchors = text.partition("\nruns:\n")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    for block in blocks:
        # The block stands last, so that of a key that is there already its own content is left.
        shown = yaml.safe_load(f"{anchors}\n{block}")
        params = merged(params, {key: shown[key] for key in re.findall(r"^(\w+):", block, flags=re.MULTILINE)})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    found = load(tmp_path / "params.yaml")
    assert len(blocks) > 3
    assert found.runs["A17-fastvqa-konvid1k-awp2e-3"].gamma == 0.002
    assert {"gamma=0.002"} == found.tables["table05"].added.keys()
    assert "gamma=0" in found.tables["table05"].rows
    assert found.tables["tableD"].splits == ("train", "test", "gap")
    assert found.runs["Z02-toy-awp"].method == "toy"


def test_its_regularizer_adds_noise_of_the_stated_size_and_leaves_the_weights():
    (source,) = re.findall(r"```python\n(@dataclass.*?)```", PAGE, flags=re.DOTALL)
    scope = dict(vars(vqa.optim.perturb))
    exec(source, scope)
    net = nn.Linear(6, 1)
    nn.init.normal_(net.weight, generator=torch_generator("init", 0))
    before = net.weight.detach().clone()

    def backward(second_pass: bool) -> str:
        assert not second_pass
        net.zero_grad()
        net(torch.arange(12.0).view(2, 6)).square().mean().backward()
        return "kept"

    backward(False)
    plain = net.weight.grad.clone()
    noise = []
    for seed in (0, 0, 1):
        assert scope["GradientNoise"](0.1).gradients(net, backward, torch_generator("perturb", seed)) == "kept"
        noise.append(net.weight.grad - plain)
    torch.testing.assert_close(noise[0].norm(), 0.1 * plain.norm())
    assert torch.equal(noise[0], noise[1])
    assert not torch.allclose(noise[0], noise[2])
    assert torch.equal(net.weight, before)
