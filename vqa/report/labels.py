"""What runs and figures are called: the method and regularizer of a run, the paper's number of a figure."""

from vqa.settings.params import Params, Run

METHOD_TITLES = {
    **{"simplevqa": "SimpleVQA", "fastvqa": "FAST-VQA", "sama": "SAMA", "sama_iqa": "SAMA for images"},
    **{"quality": "BVQA-2022's spatial network", "vsfa": "VSFA", "bvqa2022": "BVQA-2022", "dsdpro": "DSD-PRO"},
    **{"pvq": "PVQ (w patch)", "pvq_whole": "PVQ (w/o patch)", "zoomvqa": "ZoomVQA", "dover": "DOVER"},
    **{"tlvqm": "TLVQM, perceptron", "videval": "VIDEVAL, perceptron"},
    **{"features_videval": "VIDEVAL features", "features_brisque": "BRISQUE features"},
    **{"features_maxvqa": "MaxVQA features", "features_resnet50": "ResNet-50 features"},
}


def method_title(method: str) -> str:
    """Printed name of a method; the name in params if it has no other."""
    return METHOD_TITLES.get(method, method)


def regularizer(run: Run, params: Params) -> tuple[str, str]:
    """What sets a run apart from its method's own recipe, and how strong it is.

    Returns:
        ``weight decay`` and its value, ``augmentation`` and its name, ``RWP`` or ``AWP`` and its gamma, several of them
        joined by " + "; ``none`` and an empty text for a baseline.
    """
    kind, gamma = params.perturbation(run)
    found = []
    if run.weight_decay is not None:
        found.append(("weight decay", f"{run.weight_decay:g}"))
    if run.augmentation != "none":
        found.append(("augmentation", run.augmentation))
    if kind != "none":
        found.append((kind.upper(), f"{gamma:g}"))
    names, strengths = zip(*found, strict=True) if found else (("none",), ("",))
    return " + ".join(names), " + ".join(strengths)


def figure_name(stem: str) -> str:
    """``Figure 1(c)`` for ``fig1c``, as the paper names it; any other stem is its own name."""
    number = stem.removeprefix("fig")
    digits = number.rstrip("abcdefgh")
    if not stem.startswith("fig") or not digits.isdigit():
        return stem.replace("_", " ").capitalize()
    return f"Figure {digits}" + (f"({number[len(digits) :]})" if number != digits else "")
