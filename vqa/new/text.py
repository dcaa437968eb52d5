"""The files of a new scale that people read: its parameters, with comments, and its README."""

from textwrap import indent
from typing import Any

import yaml

from vqa.new.recipe import Recipe
from vqa.report.labels import method_title

# What stands above a block of params.
COMMENTS = {
    "root": (
        "Parameters of a scale of your own, written once by `vqa new`: edit what you like, `vqa repro` does the rest.",
        "Same schema as params.yaml of the project, where the choices are explained.",
    ),
    "datasets": (
        "sources.yaml says where the files are; labels.csv has their MOS and split. bad_files: stop at a file that",
        "cannot be decoded, or exclude it with a line in the report. frame_store: keep decoded frames, so that",
        "trainings do not decode again.",
    ),
    "checksums": ("SHA-256 of published weights, as you vouch for them.",),
    "methods": ("Batches are no larger than the training set, and averaged weights forget the initial ones.",),
    "runs": ("The trainings, one row each.",),
    "transfers": ("Weights that are scored as they are.",),
}


class _Plain(yaml.SafeDumper):
    """Writes a block that stands in two places twice: references between blocks would be hard to edit."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def params_text(content: dict[str, Any], comments: dict[str, tuple[str, ...]] = COMMENTS) -> str:
    """The parameter file, block by block, with a comment above those that want one."""
    parts = []
    for key, value in content.items():
        comment = "".join(f"# {line}\n" for line in comments.get(key, ()))
        body = yaml.dump(value, Dumper=_Plain, sort_keys=False, default_flow_style=None, allow_unicode=True, width=116)
        body = indent(body.removesuffix("...\n"), "  ")
        short = not isinstance(value, dict) or body.lstrip().startswith("{")
        parts.append(f"{comment}{key}:{' ' + body.lstrip() if short else chr(10) + body}")
    return "\n".join(parts)


def page(recipe: Recipe, folder: str, labels: str, size: str, n: int) -> str:
    """The README of the folder: what is in it, and what can be done with it."""
    methods = ", ".join(method_title(method) for method in recipe.methods)
    sizes = "the paper's sizes" if size == "paper" else "the small networks of the demo, which learn in minutes"
    return f"""# {recipe.title}

{methods} on {n} items of {labels}, by {sizes}:
each with its own recipe, and with random (RWP) and adversarial (AWP) weight perturbation of {recipe.gamma:g}.

- `vqa repro --scale {folder}` brings everything up to date: after an edit of `params.yaml` or `labels.csv`,
  or when files were replaced, what depends on it and nothing else.
- `reports/README.md` is the report, `reports/site/index.html` the same to click; tables, figures and statistics
  are beside it.
- `vqa score --scale {folder} FILE` scores any other file with the first of the trained networks.
- `params.yaml` holds methods and rows: copy a row under `runs` to add one, and name it in `tables`.
"""
