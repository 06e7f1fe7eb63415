"""How inputs and outputs are nested in tuples, lists and dicts (torch's "treespec" JSON).

``torch/utils/_pytree.py`` (2.13) looks classes up by names in this JSON: ``enum_object_hook`` and
``defaultdict`` import any module that is named. Only tuple, list and dict pass here.
"""

from __future__ import annotations

import json
from typing import Any

from qcore.graph.pt2.text import Refused, check_key, check_name, parse_json

_PROTOCOL = 1
_SEQUENCES = ("builtins.tuple", "builtins.list")
_DICTS = ("builtins.dict", "collections.OrderedDict")


def check_treespec(text: str, *, inputs: bool) -> str:
    """The same treespec written anew; Refused for any other container, by name.

    For ``inputs`` it is (positional, keyword) and the keywords are plain identifiers, because
    torch makes them the arguments of a function whose source it executes.
    """
    outer = parse_json(text, "a treespec")
    if type(outer) is not list or len(outer) != 2 or outer[0] != _PROTOCOL:
        raise Refused("has a treespec of an unknown version; save it again with torch 2.13")
    spec = _node(outer[1])
    if inputs:
        kinds = [child["type"] for child in spec["children_spec"]]
        if spec["type"] != _SEQUENCES[0] or kinds != [_SEQUENCES[0], _DICTS[0]]:
            raise Refused("has inputs that are not (positional, keyword); save it again")
        for keyword in json.loads(spec["children_spec"][1]["context"]):
            check_name(str(keyword))
    return json.dumps([_PROTOCOL, spec])


def _node(data: Any) -> dict[str, Any]:
    if type(data) is not dict or set(data) != {"type", "context", "children_spec"}:
        raise Refused("has a treespec of unknown form; save it again with torch 2.13")
    kind, context, children = data["type"], data["context"], data["children_spec"]
    if type(children) is not list:
        raise Refused("has a treespec of unknown form; save it again with torch 2.13")
    if kind is None:
        if context is not None or children:
            raise Refused("has a treespec of unknown form; save it again with torch 2.13")
    elif kind in _SEQUENCES:
        context = "null"
    elif kind in _DICTS:
        context = _dict_keys(context, len(children))
    else:
        raise Refused(
            f"takes or gives a {ascii(kind)[:100]}; "
            "let forward take and return tensors in tuples, lists or dicts"
        )
    return {"type": kind, "context": context, "children_spec": [_node(c) for c in children]}


def _dict_keys(context: Any, count: int) -> str:
    keys = parse_json(context, "the keys of a dict") if type(context) is str else None
    if type(keys) is not list or len(keys) != count:
        raise Refused("has a dict whose keys do not fit its values; save it again")
    if not all(type(key) in (str, int) for key in keys):
        raise Refused("has a dict whose keys are no words; use plain words as keys")
    return json.dumps([check_key(key) for key in keys])
