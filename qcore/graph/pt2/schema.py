"""The shape of the JSON in a .pt2 file: which fields there are, and of which type.

A copy of the part of ``torch/_export/serde/schema.py`` (schema 8.20, torch 2.13) that is accepted.
torch's own reader ignores unknown fields and does not look at the types of strings and integers.
Written as: ``T?`` may be missing or null, ``[T]`` is a list, ``{T}`` maps strings to T.
"""

from __future__ import annotations

SCHEMA_MAJOR = 8
INT_SETS = {
    "dtype": frozenset((*range(1, 14), 28, 29, 30, 31, 32, 33, 34, 35)),
    "strided": frozenset((7,)),
    "memory format": frozenset(range(5)),
    "kind": frozenset(range(3)),
}
_SYM = {"as_name": "str", "as_int": "int"}

RECORDS: dict[str, dict[str, str]] = {
    "ExportedProgram": {
        "graph_module": "GraphModule",
        "opset_version": "{int}",
        "range_constraints": "{RangeConstraint}",
        "schema_version": "SchemaVersion",
        "verifiers": "[str]?",
        "torch_version": "str?",
        "guards_code": "[str]?",
    },
    "GraphModule": {
        "graph": "Graph",
        "signature": "GraphSignature",
        "module_call_graph": "[ModuleCallEntry]",
        "metadata": "{str}?",
        "treespec_namedtuple_fields": "{NamedTupleDef}?",
    },
    "Graph": {
        "inputs": "[Argument]",
        "outputs": "[Argument]",
        "nodes": "[Node]",
        "tensor_values": "{TensorMeta}",
        "sym_int_values": "{SymInt}",
        "sym_bool_values": "{SymBool}",
        "is_single_tensor_return": "bool?",
        "custom_obj_values": "{CustomObj}?",
        "sym_float_values": "{SymFloat}?",
    },
    "Node": {
        "target": "str",
        "inputs": "[NamedArgument]",
        "outputs": "[Argument]",
        "metadata": "{str}",
        "is_hop_single_tensor_return": "bool?",
        "name": "str?",
    },
    "NamedArgument": {"name": "str", "arg": "Argument", "kind": "kind?"},
    "GraphSignature": {"input_specs": "[InputSpec]", "output_specs": "[OutputSpec]"},
    "ModuleCallEntry": {"fqn": "str", "signature": "ModuleCallSignature?"},
    "ModuleCallSignature": {
        "inputs": "[Argument]",
        "outputs": "[Argument]",
        "in_spec": "str",
        "out_spec": "str",
        "forward_arg_names": "[str]?",
    },
    "NamedTupleDef": {"field_names": "[str]"},
    "RangeConstraint": {"min_val": "int?", "max_val": "int?"},
    "SchemaVersion": {"major": "int", "minor": "int"},
    "TensorMeta": {
        "dtype": "dtype",
        "sizes": "[SymInt]",
        "requires_grad": "bool",
        "device": "Device",
        "strides": "[SymInt]",
        "storage_offset": "SymInt",
        "layout": "strided",
    },
    "Device": {"type": "str", "index": "int?"},
    "SymExpr": {"expr_str": "str", "hint": "SymExprHint?"},
    "Tensor": {"name": "str"},
    "CustomObj": {"name": "str", "class_fqn": "str"},
    "UserInput": {"arg": "Argument"},
    "Parameter": {"arg": "Tensor", "parameter_name": "str"},
    "Buffer": {"arg": "Tensor", "buffer_name": "str", "persistent": "bool"},
    "Constant": {"arg": "Tensor", "tensor_constant_name": "str"},
    "ConstantInput": {"name": "str", "value": "ConstantValue"},
    "InputMutation": {"arg": "Tensor", "user_input_name": "str"},
    "BufferMutation": {"arg": "Tensor", "buffer_name": "str"},
    "PayloadConfig": {"config": "{PayloadMeta}"},
    "PayloadMeta": {
        "path_name": "str",
        "is_param": "bool",
        "use_pickle": "bool",
        "tensor_meta": "TensorMeta?",
    },
}
UNIONS: dict[str, dict[str, str]] = {
    "SymExprHint": {"as_int": "int", "as_bool": "bool", "as_float": "float"},
    "SymInt": {"as_expr": "SymExpr", "as_int": "int"},
    "SymFloat": {"as_expr": "SymExpr", "as_float": "float"},
    "SymBool": {"as_expr": "SymExpr", "as_bool": "bool"},
    "SymIntArgument": _SYM,
    "SymFloatArgument": {"as_name": "str", "as_float": "float"},
    "SymBoolArgument": {"as_name": "str", "as_bool": "bool"},
    "OptionalTensor": {"as_tensor": "Tensor", "as_none": "bool"},
    "Argument": {
        "as_none": "bool",
        "as_tensor": "Tensor",
        "as_tensors": "[Tensor]",
        "as_int": "int",
        "as_ints": "[int]",
        "as_float": "float",
        "as_floats": "[float]",
        "as_string": "str",
        "as_sym_int": "SymIntArgument",
        "as_sym_ints": "[SymIntArgument]",
        "as_scalar_type": "dtype",
        "as_memory_format": "memory format",
        "as_layout": "strided",
        "as_device": "Device",
        "as_bool": "bool",
        "as_bools": "[bool]",
        "as_sym_bool": "SymBoolArgument",
        "as_sym_float": "SymFloatArgument",
        "as_optional_tensors": "[OptionalTensor]",
    },
    "ConstantValue": {
        "as_none": "bool",
        "as_int": "int",
        "as_float": "float",
        "as_string": "str",
        "as_bool": "bool",
    },
    "InputSpec": {
        "user_input": "UserInput",
        "parameter": "Parameter",
        "buffer": "Buffer",
        "tensor_constant": "Constant",
        "constant_input": "ConstantInput",
    },
    "OutputSpec": {
        "user_output": "UserInput",
        "buffer_mutation": "BufferMutation",
        "user_input_mutation": "InputMutation",
    },
}
# Kinds that torch writes and nobody may bring, in words.
KNOWN_BUT_REFUSED = {
    "as_graph": "an operator with a subgraph",
    "as_custom_obj": "a script or custom object",
    "as_operator": "an operator as an argument",
    "custom_obj": "a script or custom object",
    "token": "an effect token",
    "loss_output": "a training loss",
    "gradient_to_parameter": "gradients",
    "gradient_to_user_input": "gradients",
    "parameter_mutation": "a forward that changes its weights",
}
