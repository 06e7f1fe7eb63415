"""The nodes of a graph from a .pt2 file: known operators, values defined before they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qcore.graph.pt2.operators import check_operator
from qcore.graph.pt2.tensors import check_device
from qcore.graph.pt2.text import Refused, check_name, check_string

_MOST_NODES = 100_000
_SIZE_BITS = 63
_MOST_BITS = 1024
_NUMBERS = {"as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float", "as_sym_bool"}
_STACK_ITEM = re.compile(r"[\w.@-]{0,300},[\w.@-]{0,300},[\w.<>@-]{0,300}", re.ASCII)


class Values:
    """The values that a graph has defined so far, and how large the sizes among them can be."""

    def __init__(self, described: dict[str, set[str]]) -> None:
        self._described = described
        self._bits: dict[str, int] = {}

    def define(self, argument: dict[str, Any], bits: int = _SIZE_BITS) -> None:
        """Take the names of an input or of a node's output."""
        for group, name in named(argument):
            check_name(name)
            if name in self._bits:
                raise Refused(f"defines the value {name!r} twice; save it again")
            if name not in self._described[group]:
                raise Refused(f"does not describe the value {name!r}; save it again")
            self._bits[name] = bits

    def use(self, argument: dict[str, Any]) -> int:
        """Check an argument; returns how many bits the numbers in it have at most."""
        most = _SIZE_BITS
        for _, name in named(argument):
            if name not in self._bits:
                raise Refused(f"uses {ascii(name)[:80]} before it is there; save it again")
            most = max(most, self._bits[name])
        if "as_string" in argument:
            check_string(argument["as_string"])
        if "as_device" in argument:
            check_device(argument["as_device"])
        return most


def named(argument: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(what it is, name) for each value that an argument names."""
    for kind, value in argument.items():
        group = kind.removesuffix("s").removeprefix("as_optional_").removeprefix("as_")
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                continue
            if "name" in one:
                yield group, one["name"]
            elif "as_tensor" in one:
                yield "tensor", one["as_tensor"]["name"]
            elif "as_name" in one:
                yield group, one["as_name"]


def check_nodes(nodes: list[dict[str, Any]], values: Values) -> list[dict[str, Any]]:
    """The nodes without the metadata that torch would parse. Refused, by name, for all else."""
    if len(nodes) > _MOST_NODES:
        raise Refused(f"has {len(nodes)} operators, at most {_MOST_NODES} are read")
    return [_check_node(node, values) for node in nodes]


def _check_node(node: dict[str, Any], values: Values) -> dict[str, Any]:
    operator = check_operator(node["target"])
    given = [argument["name"] for argument in node["inputs"]]
    bits = [values.use(argument["arg"]) for argument in node["inputs"]]
    most = _SIZE_BITS
    if operator is None:
        most = _check_arithmetic(node, bits)
    else:
        known = {argument.name for argument in operator._schema.arguments}
        if len(set(given)) < len(given) or not known.issuperset(given):
            raise Refused(
                f"gives {node['target'].removeprefix('torch.ops.')} arguments that it has not; "
                "export it with torch 2.13"
            )
    for output in node["outputs"]:
        values.define(output, most)
    clean = {key: node[key] for key in ("target", "inputs", "outputs")}
    if node.get("name") is not None:
        clean["name"] = check_name(node["name"])
    return {**clean, "metadata": _metadata(node["metadata"])}


def _check_arithmetic(node: dict[str, Any], bits: list[int]) -> int:
    """Arithmetic on sizes takes numbers only, and its result stays a number of ordinary length."""
    kinds = {kind for argument in node["inputs"] for kind in argument["arg"]}
    outputs = {kind for output in node["outputs"] for kind in output}
    if not kinds <= _NUMBERS or len(node["outputs"]) != 1 or not outputs <= _NUMBERS:
        raise Refused(f"computes a size by {node['target']} of something else; save it again")
    most = sum(bits) if node["target"] == "_operator.mul" else max(bits, default=0) + 1
    if most > _MOST_BITS:
        raise Refused(f"multiplies sizes to a number of {most} bits; export it again")
    return most


def _metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Which module a node is of; the rest is parsed, resolved or printed by torch, and not needed.

    Dropped are ``source_fn_stack`` (resolved by getattr), ``from_node``, ``custom`` and others.
    """
    stack = metadata.get("nn_module_stack", "")
    items = stack.split(";")
    return {"nn_module_stack": stack} if all(map(_STACK_ITEM.fullmatch, items)) else {}
