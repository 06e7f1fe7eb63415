"""What a .pt2 file may not hold is refused in one line that names it."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pt2_common import (
    CONSTANTS,
    PROGRAM,
    TITLE,
    WEIGHTS,
    edited,
    pack,
    refusal,
    saved,
    small_file,
    unpack,
    write,
)
from torch import Tensor, nn
from torch._export.serde import schema as torch_schema

from qcore.errors import BadInput
from qcore.graph.pt2.expressions import Expressions
from qcore.graph.pt2.load import read_pt2
from qcore.graph.pt2.nodes import Values, check_nodes
from qcore.graph.pt2.operators import SYMBOLIC, check_operator
from qcore.graph.pt2.schema import RECORDS, UNIONS
from qcore.graph.pt2.text import Refused, check_key, check_name, check_path, parse_json
from qcore.graph.pt2.treespec import check_treespec
from qcore.graph.pt2.typed import typed


@pytest.fixture(scope="module")
def plain() -> bytes:
    return small_file()


def graph_of(tree: Any) -> Any:
    return tree["graph_module"]["graph"]


def tensor(tree: Any, name: str = "fc.weight") -> Any:
    return tree["config"][name]["tensor_meta"]


def of_node(target: str) -> Callable[[Any], None]:
    return lambda tree: graph_of(tree)["nodes"][1].__setitem__("target", target)


def ints(*values: int) -> list[dict[str, int]]:
    return [{"as_int": value} for value in values]


CHANGES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "another operator": (PROGRAM, of_node("torchvision.nms.default"), "'torchvision.nms.default'"),
    "os.system": (PROGRAM, of_node("torch.os.system"), "'torch.os.system', which is not of ATen"),
    "a module's function": (
        PROGRAM,
        of_node("torch.ops.aten.relu.default.__call__"),
        "not of ATen",
    ),
    "an extension": (PROGRAM, of_node("#mine:op"), "'#mine:op'"),
    "aten::set_": (PROGRAM, of_node("torch.ops.aten.set_.source_Tensor"), "'aten.set_"),
    "aten::save": (PROGRAM, of_node("torch.ops.aten.save.default"), "'aten.save.default'"),
    "no such overload": (PROGRAM, of_node("torch.ops.aten.relu.other"), "this torch has not"),
    "an output argument": (PROGRAM, of_node("torch.ops.aten.relu.out"), "an output argument"),
    "a subgraph operator": (
        PROGRAM,
        of_node("torch.ops.higher_order.cond"),
        "'higher_order.cond', which is a subgraph operator",
    ),
    "a power of sizes": (PROGRAM, of_node("_operator.pow"), "'_operator.pow'"),
    "an argument of no operator": (
        PROGRAM,
        lambda t: graph_of(t)["nodes"][1]["inputs"][0].update(name="inputs"),
        "aten.conv2d.default arguments that it has not",
    ),
    "a subgraph": (
        PROGRAM,
        lambda t: graph_of(t)["nodes"][1]["inputs"][0].update(arg={"as_graph": {}}),
        "an operator with a subgraph",
    ),
    "a script object": (
        PROGRAM,
        lambda t: graph_of(t)["inputs"].append({"as_custom_obj": {}}),
        "a script or custom object",
    ),
    "custom objects": (
        PROGRAM,
        lambda t: graph_of(t).update(custom_obj_values={"a": {"name": "a", "class_fqn": "b"}}),
        "a script or custom object",
    ),
    "an effect token": (
        PROGRAM,
        lambda t: t["graph_module"]["signature"]["input_specs"].append({"token": {}}),
        "an effect token",
    ),
    "an unknown field": (
        PROGRAM,
        lambda t: t.update(plugin="x"),
        "'plugin' in its ExportedProgram",
    ),
    "another dialect": (PROGRAM, lambda t: t.update(verifiers=["EDGE"]), "dialect 'EDGE'"),
    "an old version": (
        PROGRAM,
        lambda t: t.update(schema_version={"major": 7, "minor": 3}),
        "schema version 7, version 8 is read",
    ),
    "version 0.0": (
        PROGRAM,
        lambda t: t.update(schema_version={"major": 0, "minor": 0}),
        "schema version 0",
    ),
    "no program": (PROGRAM, lambda t: [1], "schema version None"),
    "another device": (
        PROGRAM,
        lambda t: graph_of(t)["tensor_values"]["x"]["device"].update(type="cuda"),
        "'cuda'; export it on the CPU",
    ),
    "a negative size in the graph": (
        PROGRAM,
        lambda t: graph_of(t)["tensor_values"]["x"].update(sizes=ints(-1, 3, 8, 8)),
        "'x' a negative size",
    ),
    "a huge tensor in the graph": (
        PROGRAM,
        lambda t: graph_of(t)["tensor_values"]["x"].update(sizes=ints(2**40, 3, 8, 8)),
        "'x' of more than 2^40 elements",
    ),
    "an integer that is none": (
        PROGRAM,
        lambda t: graph_of(t)["nodes"][0]["inputs"][1].update(arg={"as_int": "0"}),
        "'0' where int is wanted",
    ),
    "an integer of 70 bits": (
        PROGRAM,
        lambda t: graph_of(t)["nodes"][0]["inputs"][1].update(arg={"as_int": 2**70}),
        "does not fit 64 bits",
    ),
    "a value from nowhere": (
        PROGRAM,
        lambda t: graph_of(t)["nodes"][1]["inputs"][0].update(arg={"as_tensor": {"name": "y"}}),
        "uses 'y' before it is there",
    ),
    "a value twice": (
        PROGRAM,
        lambda t: graph_of(t)["inputs"].append(graph_of(t)["inputs"][0]),
        "'p_conv_weight' twice",
    ),
    "a counter of free sizes": (
        PROGRAM,
        lambda t: t["range_constraints"].update(u999999999999={"min_val": 0, "max_val": 9}),
        "'u999999999999'",
    ),
    "an empty range": (
        PROGRAM,
        lambda t: t["range_constraints"]["s77"].update(min_val=101),
        "an empty range",
    ),
    "a signature of other inputs": (
        PROGRAM,
        lambda t: t["graph_module"]["signature"]["input_specs"].reverse(),
        "signature that does not fit",
    ),
    "no nesting": (
        PROGRAM,
        lambda t: t["graph_module"].update(module_call_graph=[]),
        "how its inputs are nested",
    ),
    "a negative size": (WEIGHTS, lambda t: tensor(t).update(sizes=ints(-2, 4)), "negative size"),
    "a negative stride": (WEIGHTS, lambda t: tensor(t).update(strides=ints(-4, 1)), "negative"),
    "a giant": (WEIGHTS, lambda t: tensor(t).update(sizes=ints(10**12, 4)), "2^40 elements"),
    "a stride out of the storage": (
        WEIGHTS,
        lambda t: tensor(t).update(strides=ints(5, 1)),
        "'fc.weight' the sizes [2, 4], strides [5, 1] and offset 0",
    ),
    "an offset out of the storage": (
        WEIGHTS,
        lambda t: tensor(t).update(storage_offset={"as_int": 1}),
        "offset 1, which do not fit its 32 bytes",
    ),
    "a repeated number": (
        WEIGHTS,
        lambda t: tensor(t).update(sizes=ints(10**6, 10**4), strides=ints(0, 0)),
        "repeats the data",
    ),
    "one stride too few": (WEIGHTS, lambda t: tensor(t).update(strides=ints(1)), "do not fit"),
    "a larger type": (WEIGHTS, lambda t: tensor(t).update(dtype=8), "do not fit its 32 bytes"),
    "an unknown type": (WEIGHTS, lambda t: tensor(t).update(dtype=99), "99 where a known dtype"),
    "a sparse tensor": (WEIGHTS, lambda t: tensor(t).update(layout=2), "layout: strided"),
    "a free size in a weight": (
        WEIGHTS,
        lambda t: tensor(t)["sizes"][0].update(as_int=2, as_expr={"expr_str": "s0"}),
        "SymInt of 2 kinds",
    ),
    "a missing weight": (WEIGHTS, lambda t: t["config"].pop("fc.bias") and None, "'fc.bias'"),
    "a missing file": (
        WEIGHTS,
        lambda t: t["config"]["fc.bias"].update(path_name="weight_77"),
        "lacks the data of tensor 'fc.bias'",
    ),
    "a file elsewhere": (
        WEIGHTS,
        lambda t: t["config"]["fc.bias"].update(path_name="../constants/tensor_0"),
        "'fc.bias' as a Python object",
    ),
    "another shape than the graph's": (
        WEIGHTS,
        lambda t: tensor(t).update(sizes=ints(4, 2), strides=ints(2, 1)),
        "another shape or type for 'fc.weight'",
    ),
    "a script constant": (
        CONSTANTS,
        lambda t: t["config"]["scale"].update(path_name="custom_obj_0", use_pickle=True),
        "'scale' as a Python object (a pickle)",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change(name: str, plain: bytes, tmp_path: Path) -> None:
    entry, change, message = CHANGES[name]
    assert message in refusal(write(tmp_path, edited(plain, entry, change)))


def test_the_file_itself_is_fine(plain: bytes, tmp_path: Path) -> None:
    read_pt2(write(tmp_path, pack(unpack(plain))), TITLE)


def test_an_empty_payload_allocates_nothing(plain: bytes, tmp_path: Path) -> None:
    content = edited(plain, WEIGHTS, lambda t: tensor(t).update(sizes=ints(10**5, 10**6)))
    entries = unpack(content)
    config = json.loads(entries[WEIGHTS])
    entries[f"data/weights/{config['config']['fc.weight']['path_name']}"] = b""
    assert "do not fit its 0 bytes" in refusal(write(tmp_path, pack(entries)))


@pytest.mark.parametrize(
    ("entry", "content", "message"),
    [
        ("data/aotinductor/model/a.so", b"\x7fELF", "compiled code"),
        ("data/executorch/a", b"", "compiled code"),
        ("models/second.json", b"{}", "2 networks (models/model.json, models/second.json)"),
        ("surprise.bin", b"", "'surprise.bin', which is not known"),
        ("archive_format", b"pt3", "archive_format b'pt3'"),
        ("archive_version", b"1", "archive_version b'1'"),
        ("byteorder", b"big", "byteorder b'big'"),
        (PROGRAM, b'{"a": 1, "a": 2}', "a key is there twice"),
        (PROGRAM, b'{"a": NaN}', "NaN"),
        (PROGRAM, b"[" * 10**5 + b"]" * 10**5, "nested too deeply"),
        (PROGRAM, b"9" * 10**5, "no proper JSON"),
        (PROGRAM, b"\xff", "no proper JSON"),
        (WEIGHTS, b"{}", "lacks 'config'"),
        (CONSTANTS, b"[]", "[] where PayloadConfig"),
    ],
)
def test_entry(entry: str, content: bytes, message: str, plain: bytes, tmp_path: Path) -> None:
    assert message in refusal(write(tmp_path, pack({**unpack(plain), entry: content})))


def test_missing_entries(plain: bytes, tmp_path: Path) -> None:
    entries = unpack(plain)
    for name in ("archive_format", "archive_version", PROGRAM, WEIGHTS, CONSTANTS):
        refusal(write(tmp_path, pack({k: v for k, v in entries.items() if k != name})))


def test_other_kinds_of_files(plain: bytes, tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    script, pickle, old = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 2)), script)
    torch.save(module, pickle)
    torch.save(module, old, _use_new_zipfile_serialization=False)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.txt", "a")
    for content, message in [
        (script.getvalue(), "net.pt2 is a TorchScript archive"),
        (pickle.getvalue(), "net.pt2 is a pickle of torch.save"),
        (old.getvalue(), "net.pt2 is a pickle"),
        (wheel.getvalue(), "holds no exported network"),
        (b"", "is no ZIP archive"),
        (b"\x00" * 100, "is no ZIP archive"),
        (plain[: len(plain) // 2], "is no ZIP archive, or is cut off"),
    ]:
        assert message in refusal(write(tmp_path, content))
    assert "check the path" in refusal(tmp_path / "nowhere.pt2")


def test_a_zip_bomb(plain: bytes, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in unpack(plain).items():
            archive.writestr(f"net/{name}", content)
        archive.writestr("net/extra/zeros", bytes(5 * 10**7))
    assert "a ZIP bomb" in refusal(write(tmp_path, buffer.getvalue()))


def test_operators_with_subgraphs_from_a_real_export(tmp_path: Path) -> None:
    class Branches(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))
            return result

    message = refusal(write(tmp_path, saved(Branches(), (torch.ones(3),))))
    assert "subgraph" in message


def test_script_objects_from_a_real_archive(plain: bytes, tmp_path: Path) -> None:
    entries = unpack(plain)
    config = json.loads(entries[CONSTANTS])
    config["config"]["thing"] = {
        "path_name": "custom_obj_0",
        "is_param": False,
        "use_pickle": True,
        "tensor_meta": None,
    }
    buffer = torch._C._pickle_save(torch.jit.script(nn.ReLU())._c)
    entries |= {CONSTANTS: json.dumps(config).encode(), "data/constants/custom_obj_0": buffer}
    assert "'thing' as a Python object" in refusal(write(tmp_path, pack(entries)))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "s0",
        "Symbol('s0').__class__",
        "Symbol('__import__')",
        "Symbol('s0', integer=exit())",
        "Pow(Integer(9), Pow(Integer(9), Integer(9)))",
        "Pow(Symbol('s0'), Integer(7))",
        "Pow(Pow(Symbol('s0'), Integer(3)), Integer(3))",
        "Pow(Symbol('s0'), Symbol('s1'))",
        "PowByNatural(Integer(9), Integer(5))",
        "LShift(Integer(1), Integer(1000000000000))",
        "Mul(" + ", ".join(["Symbol('s0')"] * 7) + ")",
        "Integer(99999999999999999999)",
        "Integer(9223372036854775808)",
        "Add(Integer(1))",
        "Add(Integer(1), Integer(2)",
        "Add(Integer(1), Integer(2)))",
        "Integer(1), Integer(2)",
        "FloorDiv(" * 30 + "Integer(1)" + ", Integer(1))" * 30,
        "Add(" + ", ".join(["Integer(1)"] * 33) + ")",
        "Symbol('s99999')",
        "(1).__class__",
        "lambda: 0",
        "",
        "1" * 5000,
        "Lambda(Symbol('s0'), Integer(1))",
    ],
)
def test_expressions_out_of_the_grammar(text: str) -> None:
    with pytest.raises(Refused):
        Expressions().check(text)


@pytest.mark.parametrize(
    "text",
    [
        "Symbol('s77', positive=True, integer=True)",
        "Mul(Integer(2), Symbol('s77', positive=True, integer=True))",
        "Add(Integer(-1), FloorDiv(Symbol('s0', integer=True), Integer(2)))",
        "Max(Integer(1), Mod(Symbol('s0'), Integer(4)))",
        "Equality(Pow(Symbol('u0', integer=True), Integer(2)), Integer(4))",
        "true",
    ],
)
def test_expressions_of_the_grammar_come_back_the_same(text: str) -> None:
    assert Expressions().check(text) == text


def test_too_many_symbols() -> None:
    expressions = Expressions()
    for number in range(16):
        expressions.check(f"Symbol('s{number}')")
    with pytest.raises(Refused, match="16 free sizes"):
        expressions.check("Symbol('s16')")


@given(st.text(alphabet="sSymbolInteger('019_), .*[]=MulAdd", max_size=60))
def test_whatever_passes_the_grammar_has_only_its_words(text: str) -> None:
    try:
        written = Expressions().check(text)
    except Refused:
        return
    assert set(written) <= set("sSymbolIntegerMulAdd('0123456789,) =-")


def test_names() -> None:
    for name in ("x y", "class", "self", "torch", "1a", "a.b", "é", "a" * 3000, "", "x\n"):
        with pytest.raises(Refused):
            check_name(name)
    for path in ("a..b", "", "__class__", "a.__dict__", "a b", 'a"b', "a\nb", "a" * 2000):
        with pytest.raises(Refused):
            check_path(path)
    for key in ("a'b", 'a"', "a\\", "", "\n", True, "{x}"):
        with pytest.raises(Refused):
            check_key(key)
    assert check_name("input") == "input"
    assert check_path("layer1.0.conv-1.weight") == "layer1.0.conv-1.weight"
    assert check_key("two words") == "two words"
    assert check_key(3) == 3


def tree_of(kind: str | None, context: Any, *children: Any) -> Any:
    return {"type": kind, "context": context, "children_spec": list(children)}


LEAF = tree_of(None, None)


@pytest.mark.parametrize(
    "spec",
    [
        tree_of("collections.namedtuple", "Point"),
        tree_of("transformers.ModelOutput", "null", LEAF),
        tree_of("torch.return_types.topk", "null", LEAF),
        tree_of("collections.deque", "null", LEAF),
        tree_of("builtins.dict", '["a"]', LEAF, LEAF),
        tree_of("builtins.dict", '[["a"]]', LEAF),
        tree_of("builtins.dict", ["a"], LEAF),
        tree_of(None, None, LEAF),
        tree_of(None, "null"),
        {"type": None, "context": None},
        {**LEAF, "children_spec": {}},
        [],
    ],
)
def test_treespecs(spec: Any) -> None:
    with pytest.raises(Refused):
        check_treespec(json.dumps([1, spec]), inputs=False)


def test_treespec_versions_and_keywords() -> None:
    both = tree_of("builtins.tuple", "null", tree_of("builtins.tuple", "null"))
    for text in ("1", "[2, {}]", "[1]", "not json", json.dumps([1, LEAF]), json.dumps([1, both])):
        with pytest.raises(Refused):
            check_treespec(text, inputs=True)
    keywords = tree_of("builtins.dict", '["a b"]', LEAF)
    both["children_spec"].append(keywords)
    with pytest.raises(Refused, match="no plain name"):
        check_treespec(json.dumps([1, both]), inputs=True)
    keywords["context"] = '["gain"]'
    assert json.loads(check_treespec(json.dumps([1, both]), inputs=True)) == [1, both]


def test_sizes_do_not_grow_without_end() -> None:
    node = {
        "target": "_operator.mul",
        "inputs": [{"name": k, "arg": {"as_sym_int": {"as_name": "n0"}}} for k in "ab"],
        "outputs": [{"as_sym_int": {"as_name": "n1"}}],
        "metadata": {},
    }
    text = json.dumps(node)
    nodes = [json.loads(text.replace("n1", f"n{i + 1}").replace("n0", f"n{i}")) for i in range(10)]
    values = Values({"sym_int": {f"n{i}" for i in range(11)}})
    values.define({"as_sym_int": {"as_name": "n0"}})
    with pytest.raises(Refused, match="bits"):
        check_nodes(nodes, values)
    text_node = {**node, "inputs": [{"name": "a", "arg": {"as_string": "aaaa"}}]}
    with pytest.raises(Refused, match="something else"):
        check_nodes([text_node], Values({"sym_int": {"n1"}}))


def test_json_is_bounded() -> None:
    assert parse_json("[" * 39 + "]" * 39, "it")
    with pytest.raises(Refused, match="deeply"):
        parse_json("[" * 42 + "]" * 42, "it")


def test_every_listed_operator_is_there_and_reaches_nothing_outside() -> None:
    from qcore.graph.pt2 import operators

    for name in operators._FUNCTIONS:
        packet = getattr(torch.ops.aten, name)
        for overload in packet.overloads():
            arguments = getattr(packet, overload)._schema.arguments
            kinds = " ".join(str(argument.type) for argument in arguments)
            assert "Storage" not in kinds
            assert "Stream" not in kinds
            assert not any("file" in argument.name for argument in arguments)
    assert not SYMBOLIC & {"_operator.pow", "_operator.lshift", "_operator.getitem"}
    assert check_operator("torch.ops.aten.relu_.default") is torch.ops.aten.relu_.default


def test_the_schema_is_a_part_of_torch_s() -> None:
    """What this torch writes has not moved away from the copy here."""
    assert torch_schema.SCHEMA_VERSION[0] == 8
    names = {
        "CustomObj": "CustomObjArgument",
        "Tensor": "TensorArgument",
        "OptionalTensor": "OptionalTensorArgument",
        "UserInput": "UserInputSpec",
        "Parameter": "InputToParameterSpec",
        "Buffer": "InputToBufferSpec",
        "Constant": "InputToTensorConstantSpec",
        "ConstantInput": "InputToConstantInputSpec",
        "InputMutation": "UserInputMutationSpec",
        "BufferMutation": "BufferMutationSpec",
    }
    for kind, fields in RECORDS.items():
        theirs = getattr(torch_schema, names.get(kind, kind))
        assert set(fields) == {field.name for field in dataclasses.fields(theirs)}, kind
    for kind, fields in UNIONS.items():
        theirs = getattr(torch_schema, names.get(kind, kind))
        assert set(fields) <= set(typing.get_type_hints(theirs)), kind


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    )
)
def test_any_json_is_typed_or_refused(tree: Any) -> None:
    for kind in ("ExportedProgram", "PayloadConfig", "Argument", "[int]", "{float}", "bool?"):
        with contextlib.suppress(Refused):
            typed(tree, kind)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files_are_read_or_refused(
    data: st.DataObject, plain: bytes, tmp_path: Path
) -> None:
    """Bytes changed anywhere: BadInput or a network, never another exception."""
    content = bytearray(plain)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    before = {path.name for path in tmp_path.iterdir()}
    with contextlib.suppress(BadInput):
        read_pt2(write(tmp_path, bytes(content[:cut])), TITLE)
    assert {path.name for path in tmp_path.iterdir()} <= before | {"evil.pt2"}


ODD = [
    None,
    True,
    -1,
    0,
    7,
    2**62,
    1.5,
    "",
    "x",
    "p_fc_bias",
    "Infinity",
    [],
    {},
    [[]],
    {"as_int": 3},
]


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON tree."""
    found: list[tuple[Any, Any]] = []
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        found.append((tree, key))
        if isinstance(tree[key], dict | list):
            found += places(tree[key])
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_json_is_read_or_refused(data: st.DataObject, plain: bytes, tmp_path: Path) -> None:
    """Values swapped anywhere in the three JSON files: BadInput or a network, nothing else."""

    def change(tree: Any) -> None:
        for _ in range(data.draw(st.integers(1, 2))):
            where = places(tree)
            container, key = where[data.draw(st.integers(0, len(where) - 1))]
            other, its = where[data.draw(st.integers(0, len(where) - 1))]
            value = data.draw(st.sampled_from([*ODD, json.loads(json.dumps(other[its]))]))
            container[key] = value

    entry = data.draw(st.sampled_from([PROGRAM, PROGRAM, WEIGHTS, CONSTANTS]))
    path = write(tmp_path, edited(plain, entry, change))
    with contextlib.suppress(BadInput):
        read_pt2(path, TITLE)
