"""Each way by which torch 2.13 runs code from a .pt2 file, and that it is shut here.

Every attack would create a file. That torch's own loader does create it is shown first; where a
later torch no longer does, that half is skipped.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pt2_common import (
    CONSTANTS,
    PROGRAM,
    SAMPLES,
    WEIGHTS,
    Entries,
    edited,
    pack,
    refusal,
    small_file,
    unpack,
    write,
)

from qcore.graph.pt2.load import read_pt2


@pytest.fixture(scope="module")
def plain() -> bytes:
    return small_file()


class Evil:
    """Unpickling it writes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def evil_save(mark: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save((Evil(mark),), buffer)
    return buffer.getvalue()


def touching(mark: Path) -> str:
    """A Python expression that writes the file, without quotes of one kind."""
    return f"__import__('pathlib').Path('{mark}').touch()"


def use(program: torch.export.ExportedProgram) -> None:
    program.module()(torch.zeros(3, 3, 8, 8))


def module_of(tree: Any) -> Any:
    return tree["graph_module"]


def renamed(content: bytes, old: str, new: str) -> bytes:
    """The program with every string that is ``old`` (values and keys) made ``new``."""

    def walk(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {(new if k == old else k): walk(v) for k, v in tree.items()}
        if isinstance(tree, list):
            return [walk(one) for one in tree]
        return new if tree == old else tree

    return edited(content, PROGRAM, walk)


def pickled(entry: str, folder: str, prefix: str, key: str) -> Callable[[bytes, Path], bytes]:
    def craft(content: bytes, mark: Path) -> bytes:
        entries = unpack(content)
        config = json.loads(entries[entry])
        config["config"][key] |= {"use_pickle": True, "path_name": f"{prefix}99"}
        entries[entry] = json.dumps(config).encode()
        evil = pickle.dumps(Evil(mark)) if prefix == "opaque_obj_" else evil_save(mark)
        return pack({**entries, f"{folder}{prefix}99": evil})

    return craft


def sample_inputs(content: bytes, mark: Path) -> bytes:
    return pack({**unpack(content), SAMPLES: evil_save(mark)})


def legacy_weights(content: bytes, mark: Path) -> bytes:
    entries = unpack(content)
    return pack({**entries, "data/weights/model.pt": evil_save(mark)})


def legacy_archive(content: bytes, mark: Path) -> bytes:
    entries: Entries = {"version": b"8.20"}
    entries["serialized_exported_program.json"] = unpack(content)[PROGRAM]
    for part in ("state_dict", "constants", "example_inputs"):
        entries[f"serialized_{part}.pt"] = evil_save(mark)
    return pack(entries, root="")


def expression(content: bytes, mark: Path) -> bytes:
    def change(tree: Any) -> None:
        sizes = module_of(tree)["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = f"[{touching(mark)}, Symbol('s77')][1]"

    return edited(content, PROGRAM, change)


def value_name(content: bytes, mark: Path) -> bytes:
    return renamed(content, "x", f"x={touching(mark)}")


def guards(content: bytes, mark: Path) -> bytes:
    def change(tree: Any) -> None:
        tree["guards_code"] = [f"({touching(mark)}, True)[1]"]

    return edited(content, PROGRAM, change)


def argument_name(content: bytes, mark: Path) -> bytes:
    def change(tree: Any) -> None:
        signature = module_of(tree)["module_call_graph"][0]["signature"]
        # torch writes the name twice; what is between becomes a string, what follows a comment.
        signature["forward_arg_names"] = [f"x={touching(mark)}):\n    pass\n    '''#"]

    return edited(content, PROGRAM, change)


def buffer_name(content: bytes, mark: Path) -> bytes:
    # Without dots, which would make it a path of several names.
    touch = f"getattr(getattr(__import__('pathlib'), 'Path')('{mark}'), 'touch')()"
    new = f'scale", 0) or {touch} or getattr(self, "scale'
    entries = unpack(renamed(content, "scale", new))
    config = json.loads(entries[CONSTANTS])
    config["config"][new] = config["config"].pop("scale")
    return pack({**entries, CONSTANTS: json.dumps(config).encode()})


def importing(spec: Callable[[], dict[str, Any]]) -> Callable[[bytes, Path], bytes]:
    """An attack by a treespec that names a module, which is then imported."""

    def craft(content: bytes, mark: Path) -> bytes:
        (mark.parent / "evil_module.py").write_text(
            f"from pathlib import Path\nPath({str(mark)!r}).touch()\n", encoding="utf-8"
        )

        def change(tree: Any) -> None:
            signature = module_of(tree)["module_call_graph"][0]["signature"]
            signature["out_spec"] = json.dumps([1, spec()])

        return edited(content, PROGRAM, change)

    return craft


def enum_key() -> dict[str, Any]:
    key = {"__enum__": True, "fqn": "evil_module:Color", "name": "RED"}
    leaf = {"type": None, "context": None, "children_spec": []}
    return {"type": "builtins.dict", "context": json.dumps([key]), "children_spec": [leaf]}


def default_factory() -> dict[str, Any]:
    context = {
        "default_factory_module": "evil_module",
        "default_factory_name": "run",
        "dict_context": [],
    }
    return {"type": "collections.defaultdict", "context": context, "children_spec": []}


def maps_a_file(content: bytes, mark: Path) -> bytes:
    def change(tree: Any) -> None:
        graph = module_of(tree)["graph"]
        inputs = [("filename", {"as_string": str(mark)}), ("shared", {"as_bool": True})]
        node = {
            "target": "torch.ops.aten.from_file.default",
            "inputs": [
                *({"name": n, "arg": a, "kind": 1} for n, a in inputs),
                {"name": "size", "arg": {"as_int": 16}, "kind": 1},
            ],
            "outputs": [{"as_tensor": {"name": "mapped"}}],
            "metadata": {},
            "name": "mapped",
        }
        graph["nodes"].insert(0, node)
        graph["tensor_values"]["mapped"] = graph["tensor_values"]["p_conv_bias"]

    return edited(content, PROGRAM, change)


DOORS: dict[str, tuple[Callable[[bytes, Path], bytes], str]] = {
    "weight": (pickled(WEIGHTS, "data/weights/", "weight_", "fc.bias"), "'fc.bias' as a Python"),
    "constant": (pickled(CONSTANTS, "data/constants/", "tensor_", "scale"), "'scale' as a Python"),
    "opaque object": (
        pickled(CONSTANTS, "data/constants/", "opaque_obj_", "scale"),
        "'scale' as a Python object (a pickle)",
    ),
    "weights of torch 2.8": (legacy_weights, "tensors as a pickle"),
    "format of torch 2.7": (legacy_archive, "torch 2.7 or older"),
    "shape expression": (expression, "a size written as"),
    "name of a value": (value_name, "no plain name"),
    "guards": (guards, ""),
    "name of an argument": (argument_name, "no plain name"),
    "name of a buffer": (buffer_name, "no plain dotted name"),
    "enum in a treespec": (importing(enum_key), "keys are no words"),
    "defaultdict in a treespec": (importing(default_factory), "'collections.defaultdict'"),
    "aten::from_file": (maps_a_file, "'aten.from_file.default'"),
    "sample inputs": (sample_inputs, ""),
}


@pytest.mark.parametrize("door", DOORS)
def test_door(door: str, plain: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    craft, message = DOORS[door]
    mark = tmp_path / "mark"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil_module", raising=False)
    path = write(tmp_path, craft(plain, mark))
    if message:
        assert message in refusal(path)
    else:  # what is dropped without harm: the network is the same
        use(read_pt2(path, path.name))
    assert not mark.exists(), "the door is open"
    with contextlib.suppress(Exception):
        use(torch.export.load(path))
    if not mark.exists():
        pytest.skip(f"torch {torch.__version__} no longer opens this door")
