"""The program in a .pt2 file: graph, signature and nesting, rebuilt from what is understood.

Guarded against in torch 2.13: names of values, buffers and keyword arguments become Python source
that is executed (``torch/fx/graph.py``), and so do ``guards_code`` (``torch/export/_unlift.py``).
"""

from __future__ import annotations

from typing import Any

from qcore.graph.pt2.expressions import Expressions, check_symbol
from qcore.graph.pt2.nodes import Values, check_nodes, named
from qcore.graph.pt2.schema import SCHEMA_MAJOR
from qcore.graph.pt2.tensors import check_meta, clean_symbolic
from qcore.graph.pt2.text import Refused, check_name, check_path, check_string
from qcore.graph.pt2.treespec import check_treespec

_DIALECTS = ("TRAINING", "ATEN", "")
_TARGETS = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
    "buffer_mutation": "buffer_name",
    "user_input_mutation": "user_input_name",
}


def check_version(program: Any) -> None:
    """Refused where the schema is not that of torch 2.8 to 2.13; before anything else is read."""
    version = program.get("schema_version") if isinstance(program, dict) else None
    major = version.get("major") if isinstance(version, dict) else None
    if type(major) is not int or major != SCHEMA_MAJOR:
        raise Refused(
            f"is of schema version {ascii(major)[:20]}, version {SCHEMA_MAJOR} is read; "
            "export it again with torch 2.13"
        )


def check_program(program: dict[str, Any]) -> dict[str, Any]:
    """A new program from the allowed parts of a typed one. Refused, by name, for the others.

    Left out: guards, stack traces, metadata, named tuples, the calls of inner modules.
    """
    expressions = Expressions()
    dialects = program.get("verifiers") or []
    if any(dialect not in _DIALECTS for dialect in dialects):
        raise Refused(f"is of the dialect {ascii(dialects[0])[:40]}; save what torch.export gave")
    module = program["graph_module"]
    graph = _check_graph(module["graph"], expressions)
    signature = module["signature"]
    _check_inputs(graph["inputs"], signature["input_specs"])
    _check_outputs(graph, signature["output_specs"])
    ranges = {check_symbol(name): one for name, one in program["range_constraints"].items()}
    for name, one in ranges.items():
        least, most = one.get("min_val"), one.get("max_val")
        if least is not None and most is not None and least > most:
            raise Refused(f"has an empty range for the size {name}; export it again")
    return {
        "graph_module": {
            "graph": graph,
            "signature": signature,
            "module_call_graph": [_root_call(module["module_call_graph"])],
            "metadata": {},
            "treespec_namedtuple_fields": {},
        },
        "opset_version": {k: v for k, v in program["opset_version"].items() if k == "aten"},
        "range_constraints": {
            name: {"min_val": one.get("min_val"), "max_val": one.get("max_val")}
            for name, one in ranges.items()
            if name in expressions.symbols
        },
        "schema_version": program["schema_version"],
        "verifiers": dialects,
        "torch_version": check_string(program.get("torch_version") or ""),
        "guards_code": [],
    }


def _check_graph(graph: dict[str, Any], expressions: Expressions) -> dict[str, Any]:
    if graph.get("custom_obj_values"):
        raise Refused("has a script or custom object; export the network without it")
    if graph.get("is_single_tensor_return"):
        raise Refused("is a part of a network; export the whole network")
    symbolic = {
        group: {
            name: clean_symbolic(value, expressions)
            for name, value in (graph.get(f"{group}_values") or {}).items()
        }
        for group in ("sym_int", "sym_float", "sym_bool")
    }
    described = {group: set(entries) for group, entries in symbolic.items()}
    values = Values({"tensor": set(graph["tensor_values"]), **described})
    for argument in graph["inputs"]:
        values.define(argument)
    clean = {
        "inputs": graph["inputs"],
        "outputs": graph["outputs"],
        "nodes": check_nodes(graph["nodes"], values),
        "tensor_values": {
            name: check_meta(meta, expressions, check_name(name))
            for name, meta in graph["tensor_values"].items()
        },
        **{f"{group}_values": entries for group, entries in symbolic.items()},
    }
    for argument in graph["outputs"]:
        values.use(argument)
    for entries in symbolic.values():
        for name in entries:
            check_name(name)
    return clean


def _check_inputs(inputs: list[dict[str, Any]], specs: list[dict[str, Any]]) -> None:
    if len(inputs) != len(specs):
        raise Refused("has a signature that does not fit its graph; save it again")
    for argument, spec in zip(inputs, specs, strict=True):
        ((kind, entry),) = spec.items()
        if kind in _TARGETS:
            check_path(entry[_TARGETS[kind]])
            fits = list(named(argument)) == [("tensor", entry["arg"]["name"])]
        elif kind == "constant_input":
            fits = not list(named(argument))
            if entry["name"]:
                check_name(entry["name"])
            if "as_string" in entry["value"]:
                check_string(entry["value"]["as_string"])
        else:
            fits = entry["arg"] == argument
        if not fits:
            raise Refused("has a signature that does not fit its graph; save it again")
        if "as_string" in argument:
            check_string(argument["as_string"])


def _check_outputs(graph: dict[str, Any], specs: list[dict[str, Any]]) -> None:
    if len(graph["outputs"]) != len(specs):
        raise Refused("has a signature that does not fit its graph; save it again")
    for argument, spec in zip(graph["outputs"], specs, strict=True):
        ((kind, entry),) = spec.items()
        if kind == "user_output":
            fits = entry["arg"] == argument
        else:
            fits = list(named(argument)) == [("tensor", entry["arg"]["name"])]
            check_path(entry[_TARGETS[kind]])
        if not fits:
            raise Refused("has a signature that does not fit its graph; save it again")


def _root_call(entries: list[dict[str, Any]]) -> dict[str, Any]:
    signature = entries[0].get("signature") if entries and entries[0]["fqn"] == "" else None
    if signature is None:
        raise Refused("does not say how its inputs are nested; save it again")
    names = signature.get("forward_arg_names")
    return {
        "fqn": "",
        "signature": {
            "inputs": [],
            "outputs": [],
            "in_spec": check_treespec(signature["in_spec"], inputs=True),
            "out_spec": check_treespec(signature["out_spec"], inputs=False),
            "forward_arg_names": None if names is None else [check_name(name) for name in names],
        },
    }
