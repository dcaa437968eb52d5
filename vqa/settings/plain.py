"""YAML files of choices as plain data, without what YAML reads otherwise than people mean it.

YAML keeps the last of two equal keys and drops the first, reads ``042`` as 34 and ``1:30`` as 90, and takes
``2024-01-01`` for a date, and DVC reads some of these in yet other ways. Each is refused with its line.
"""

import re
from pathlib import Path

import yaml

from vqa.settings.strict import ParamsError

# Both refuse everything but plain data; the compiled one, where it is installed, takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "str": re.compile(r"(?s).*"),
    "merge": re.compile(r"<<"),
    "null": re.compile(r".*"),
    "bool": re.compile(r"(?i)yes|no|true|false|on|off"),
    "int": re.compile(r"[-+]?(0|[1-9][0-9]{0,17})"),
    "float": re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(?i:inf|nan)"),
}


def read_yaml(path: Path) -> object:
    """Content of a YAML file: mappings, lists, texts, numbers, truth values and None.

    Raises:
        ParamsError: in one line: the file cannot be read, is not YAML, holds one key twice, a number that is not
            written as people write numbers, or what is no plain data.
    """
    try:
        loader = _LOADER(path.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, path.name, set(), set())
        return loader.construct_document(node)
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read ({error.strerror}); run from the folder of a scale") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: not text in UTF-8 ({error.reason}); save it as such") from None
    except RecursionError:
        raise ParamsError(f"{path}: not valid YAML: nested too deeply") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def _check(node: yaml.Node, file: str, above: set[int], done: set[int]) -> None:
    """Raise ParamsError for the first thing below a node that is not what people mean by it.

    Args:
        node: to look at.
        file: to name.
        above: the nodes that this one lies in.
        done: nodes that were looked at, which other places may mean by their anchors.
    """
    where = f"{file}: line {node.start_mark.line + 1}"
    if id(node) in above:
        raise ParamsError(f"{where}: holds itself")
    if id(node) in done:
        return
    done.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node, where)
        return
    kind = "map" if isinstance(node, yaml.MappingNode) else "seq"
    if node.tag != f"{_TAG}{kind}":
        raise ParamsError(f"{where}: {node.tag} is no plain data")
    inside = above | {id(node)}
    if kind == "map":
        _check_keys(node, file)
    for entry in node.value:
        for child in entry if kind == "map" else (entry,):
            _check(child, file, inside, done)


def _check_keys(node: yaml.Node, file: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ParamsError(f"{file}: line {line}: a key must be text")
        if key.value in lines:
            raise ParamsError(
                f"{file}: line {line}: the key {key.value!r} stands there twice, in line {lines[key.value]}"
            )
        lines[key.value] = line


def _check_scalar(node: yaml.ScalarNode, where: str) -> None:
    kind = node.tag.removeprefix(_TAG)
    if kind not in _SCALARS:
        what = "a date" if kind == "timestamp" else node.tag
        raise ParamsError(f"{where}: YAML takes {node.value!r} for {what}; put it in quotes if it is text")
    if not _SCALARS[kind].fullmatch(node.value):
        raise ParamsError(
            f"{where}: {node.value!r} is no plain number (leading zeros, colons and the like are read otherwise than "
            "they look); write the number out, or put it in quotes if it is text"
        )
