"""What is refused before anything is built: versions, operators, and graphs that are not one."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

import onnx

from qcore.errors import BadInput
from qcore.graph.onnx_import.table import OPERATORS

LARGEST_GRAPH = 50_000
OLDEST_OPSET, NEWEST_OPSET = 9, 21
_ONNX_DOMAINS = ("", "ai.onnx")
_QUANTIZED = {
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
    "MatMulNBits",
    "QLinearAdd",
    "QGemm",
}


def check_opset(model: onnx.ModelProto) -> int:
    """The opset of the default domain. BadInput outside 9 to 21."""
    versions = [o.version for o in model.opset_import if o.domain in _ONNX_DOMAINS]
    version = max(versions, default=1)
    if not OLDEST_OPSET <= version <= NEWEST_OPSET:
        raise BadInput(
            f"this .onnx uses opset {version}; {OLDEST_OPSET} to {NEWEST_OPSET} can be read: "
            "export it again with opset_version=17"
        )
    return version


def check_size(graph: onnx.GraphProto) -> None:
    if len(graph.node) > LARGEST_GRAPH:
        raise BadInput(
            f"this .onnx has {len(graph.node):,} operators; at most {LARGEST_GRAPH:,} can be read"
        )
    if graph.sparse_initializer:
        raise BadInput("this .onnx holds sparse weights; export it with dense ones")


def check_operators(nodes: Iterable[onnx.NodeProto]) -> None:
    """BadInput that lists every operator this importer does not run, with its count."""
    unknown: Counter[str] = Counter()
    quantized: Counter[str] = Counter()
    for node in nodes:
        if node.op_type in _QUANTIZED:
            quantized[node.op_type] += 1
        elif node.op_type == "If" and node.domain in _ONNX_DOMAINS:
            continue
        elif node.op_type not in OPERATORS or node.domain not in _ONNX_DOMAINS:
            prefix = "" if node.domain in _ONNX_DOMAINS else f"{node.domain[:40]}."
            unknown[prefix + node.op_type[:60]] += 1
    if quantized:
        raise BadInput(
            f"this network is already quantized ({_listed(quantized)}); "
            "bring the float network that it was made from"
        )
    if unknown:
        raise BadInput(
            f"operators that are not supported: {_listed(unknown)}; export the network without "
            "detection post-processing, loops and operators of a runtime's own"
        )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} x{count}" for name, count in counts.most_common())


def ordered(
    nodes: list[onnx.NodeProto], known: set[str], outputs: list[str]
) -> list[onnx.NodeProto]:
    """The nodes that the outputs need, each after those it reads.

    ``known`` are the names of inputs and initializers. Raises BadInput where a name is given
    twice, where nothing gives a name that is read, and where nodes wait for each other.
    """
    giver: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for name in node.output:
            if name and (name in giver or name in known):
                raise BadInput(f"two operators of this .onnx give {name[:80]!r}; export it again")
            giver[name] = i
    reads = [reads_of(node) for node in nodes]
    for names in [*reads, set(outputs)]:
        for name in names:
            if name not in giver and name not in known:
                raise BadInput(
                    f"nothing in this .onnx gives {name[:80]!r}, which is read; export it again"
                )
    order = _depth_first(reads, giver, outputs)
    return [nodes[i] for i in order]


def reads_of(node: onnx.NodeProto) -> set[str]:
    """Names a node reads, and those its subgraphs read from outside."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            inner = {i.name for i in graph.initializer} | {i.name for i in graph.input}
            inner |= {name for child in graph.node for name in child.output}
            used = {name for child in graph.node for name in reads_of(child)}
            names |= (used | {o.name for o in graph.output}) - inner
    return names


def _depth_first(reads: list[set[str]], giver: dict[str, int], outputs: list[str]) -> list[int]:
    """Positions of the needed nodes, in the file's order where that is already a valid one."""
    needed: set[int] = set()
    waiting = [giver[name] for name in outputs if name in giver]
    while waiting:
        i = waiting.pop()
        if i not in needed:
            needed.add(i)
            waiting.extend(giver[name] for name in reads[i] if name in giver)
    before = {i: {giver[name] for name in reads[i] if name in giver} for i in needed}
    after: dict[int, list[int]] = {i: [] for i in needed}
    for i, sources in before.items():
        for source in sources:
            after[source].append(i)
    return _by_position(before, after)


def _by_position(before: dict[int, set[int]], after: dict[int, list[int]]) -> list[int]:
    left = {i: len(sources) for i, sources in before.items()}
    ready = [i for i, count in left.items() if count == 0]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        i = heapq.heappop(ready)
        order.append(i)
        for follower in after[i]:
            left[follower] -= 1
            if left[follower] == 0:
                heapq.heappush(ready, follower)
    if len(order) < len(left):
        raise BadInput("operators of this .onnx wait for each other's results; export it again")
    return order
