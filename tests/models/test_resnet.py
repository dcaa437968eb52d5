"""ResNet against torchvision, and SimpleVQA on top of it: statistics by definition, one training step of the paper."""

import pytest
import torch
from torch import Tensor, nn

from vqa.models.init import initialise
from vqa.models.resnet import ResNet, ResNetConfig
from vqa.models.simplevqa import SimpleVQA
from vqa.rng import torch_generator

TINY = ResNetConfig(width=8, depths=(1, 1, 1, 1))


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch_generator("test", 0, *shape))


def small_model(motion: int = 5) -> SimpleVQA:
    model = SimpleVQA(TINY, motion, hidden=4)
    initialise(model, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    return model


@pytest.fixture
def torchvision_resnet50() -> nn.Module:
    from torchvision.models import resnet50

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = resnet50(weights=None)
    # Statistics and scales as if trained, so that a batch norm left out or in the wrong place shows.
    for number, module in enumerate(model.modules()):
        if isinstance(module, nn.BatchNorm2d):
            generator = torch_generator("test", number)
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.0, generator=generator)
    return model


@pytest.mark.parametrize("training", [False, True])
def test_it_is_torchvisions_network(torchvision_resnet50: nn.Module, training: bool) -> None:
    expected = {key: value for key, value in torchvision_resnet50.state_dict().items() if not key.startswith("fc.")}
    ours = ResNet(ResNetConfig())
    assert [(key, value.shape) for key, value in ours.state_dict().items()] == [
        (key, value.shape) for key, value in expected.items()
    ]
    ours.load_state_dict(expected)
    outputs: list[Tensor] = []
    for name in ("layer2", "layer3", "layer4"):
        torchvision_resnet50.get_submodule(name).register_forward_hook(lambda _m, _i, output: outputs.append(output))
    frames = noise(2, 3, 72, 100)
    with torch.no_grad():
        torchvision_resnet50.train(training)(frames)
        results = ours.train(training)(frames)
    for result, output, channels in zip(results, outputs, ours.stage_channels, strict=True):
        assert result.shape[1] == channels
        torch.testing.assert_close(result, output)


def test_features_by_definition() -> None:
    model = small_model().eval()
    frames = noise(2, 3, 3, 64, 96)
    with torch.no_grad():
        features = model.features(frames)
        for video in range(2):
            for number in range(3):
                expected = []
                for stage in ResNet.forward(model, frames[video, number][None]):
                    positions = stage[0].flatten(1)
                    mean = positions.sum(1) / positions.shape[1]
                    squares = ((positions - mean[:, None]) ** 2).sum(1) / (positions.shape[1] - 1)
                    expected += [mean, squares.sqrt()]
                torch.testing.assert_close(features[video, number], torch.cat(expected))
    assert features.shape == (2, 3, model.n_features)


def test_the_score_is_the_mean_of_affine_frame_scores() -> None:
    model = small_model(motion=5).eval()
    frames, motion = noise(2, 3, 3, 64, 64), noise(2, 3, 5)
    first, second = model.quality
    with torch.no_grad():
        matrix, shift = second.weight @ first.weight, second.weight @ first.bias + second.bias
        expected = torch.cat([model.features(frames), motion], dim=2) @ matrix[0] + shift
        torch.testing.assert_close(model.frame_scores(frames, motion), expected)
        torch.testing.assert_close(model(frames, motion), expected.mean(dim=1))
        # Motion comes last and belongs to its own frame.
        moved = motion.clone()
        moved[1, 2, 4] += 1
        change = model.frame_scores(frames, moved) - expected
    torch.testing.assert_close(change[1, 2], matrix[0, -1], rtol=1e-3, atol=1e-6)
    assert change.abs().flatten()[:-1].max() < 1e-5


def test_gradients_are_finite_where_a_channel_is_dead() -> None:
    model = small_model(motion=0)
    nn.init.constant_(model.layer3[0].bn3.bias, -100)
    nn.init.constant_(model.layer3[0].downsample[1].bias, -100)
    features = model.features(noise(2, 1, 3, 64, 64))
    assert not features[..., 2 * model.stage_channels[0] :][..., : 2 * model.stage_channels[1]].any()
    features.sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


def test_inputs_that_do_not_fit_are_named() -> None:
    model = small_model(motion=5)
    with pytest.raises(ValueError, match="frames of 32x32 are too small: a side must exceed 32"):
        model.features(noise(1, 2, 3, 32, 32))
    with pytest.raises(ValueError, match=r"motion features must have shape \(1, 2, 5\), got \(1, 1, 5\)"):
        model(noise(1, 2, 3, 64, 64), noise(1, 1, 5))
    for wrong in ({"width": 0}, {"depths": (3, 4, 6)}, {"depths": (1, 1, 0, 1)}):
        with pytest.raises(ValueError, match="a ResNet needs a positive width and four positive depths"):
            ResNetConfig(**wrong)


def test_initial_values_are_those_of_the_method() -> None:
    model = SimpleVQA(ResNetConfig(width=32, depths=(1, 1, 1, 1)), motion=16)
    with torch.no_grad():
        for value in model.state_dict().values():
            value.fill_(7)
    state = torch.get_rng_state()
    initialise(model, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    assert torch.equal(state, torch.get_rng_state())
    for name, value in model.state_dict().items():
        if value.dim() == 4:
            fan_out = value.shape[0] * value.shape[2] * value.shape[3]
            assert value.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05), name
        elif name.startswith("quality"):
            bound = model.get_submodule(name.rpartition(".")[0]).in_features ** -0.5
            assert 0 < value.abs().max().item() <= bound, name
            assert value.numel() == 1 or value.std().item() == pytest.approx(bound / 3**0.5, rel=0.2), name
        else:
            fresh = 1 if name.endswith(("weight", "running_var")) else 0
            assert bool((value == fresh).all()), name
    again = SimpleVQA(model.config, motion=16)
    initialise(again, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_options_of_initialisation_are_checked() -> None:
    with pytest.raises(ValueError, match="convolutions: 'xavier' is not one of uniform, kaiming"):
        initialise(small_model(), torch_generator("init", 0), convolutions="xavier")
    layer = nn.Conv2d(3, 4, 3)
    initialise(layer, torch_generator("init", 0), convolutions="kaiming")
    assert not layer.bias.any()


@pytest.mark.slow
def test_one_training_step_at_full_size() -> None:
    model = SimpleVQA(ResNetConfig(), motion=2304)
    assert sum(p.numel() for p in model.parameters()) == 24_720_705
    initialise(model, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    frames, motion, mos = noise(2, 1, 3, 224, 224), noise(2, 1, 2304), torch.tensor([30.0, 70.0])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    loss = (model(frames, motion) - mos).abs().mean()
    loss.backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())
    optimizer.step()
    assert all(not torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    with torch.no_grad():
        assert (model(frames, motion) - mos).abs().mean() < loss
