"""A page with nothing but the live dial; ``?net=`` names one of ``LAYERS``.

What can be kept is one; of a single layer little is known, and its budget cannot be met.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import asdict, dataclass, replace

import numpy as np
import streamlit as st

from ui.components.live_dial import (
    DialEvent,
    DialLayer,
    DialMark,
    DialMeasured,
    DialPoint,
    DialTile,
    DialUnit,
    LiveDial,
    live_dial,
)
from ui.state import palette

WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)
LAYERS = {"efficient": 50, "small": 6, "wide": 300, "one": 1, "none": 4}
MACS = 30.0


@dataclass(frozen=True, eq=False)
class Net:
    """Weights of each layer, and ΔL (layers, widths)."""

    weights: np.ndarray
    losses: np.ndarray

    @property
    def full_bytes(self) -> float:
        return float(4 * self.weights.sum())


def make_net(layers: int) -> Net:
    """Few weights and high losses in front, many weights and low losses behind."""
    rng = np.random.default_rng(layers)
    depth = np.arange(layers) / max(layers - 1, 1)
    weights = np.round(2_000 * np.exp(4.2 * depth + rng.normal(0, 0.8, layers)))
    gain = 0.35 * np.exp(-2 * depth + rng.normal(0, 0.9, layers))
    falls = rng.uniform(1.25, 1.6, layers)
    losses = gain[:, None] * np.exp(-falls[:, None] * (np.array(WIDTHS) - 2))
    return Net(weights, np.maximum(losses, 1e-7))


def point(net: Net, choice: np.ndarray, kind: str, label: str) -> DialPoint:
    bits = np.array(WIDTHS)[choice]
    loss = float(net.losses[np.arange(choice.size), choice].sum())
    stored = float((bits * net.weights).sum())
    costs = {
        "size_bytes": stored / 8,
        "average_bits": stored / float(net.weights.sum()),
        "bops": 8 * MACS * stored,
        "latency_ms": 0.4 + stored / 4e6,
        "energy_mj": None,
    }
    whole = tuple(int(b) for b in bits)
    low, high = (0.82, 1.2) if choice.size > 1 else (-1e6, 1e6)
    return DialPoint(kind, label, costs, loss, low * loss, high * loss, whole)


def frontier(net: Net, pins: dict[int, int]) -> list[DialPoint]:
    """Steps of the steepest fall in loss for a byte, which falls along each layer here."""
    choice = np.array([WIDTHS.index(pins.get(i, 2)) for i in range(net.weights.size)])
    found = [point(net, choice, "frontier", "frontier")]

    def step(layer: int) -> tuple[float, int]:
        at, wide = choice[layer], WIDTHS[choice[layer] + 1] - WIDTHS[choice[layer]]
        gain = net.losses[layer, at] - net.losses[layer, at + 1]
        return -gain / (wide * net.weights[layer]), layer

    queue = [step(i) for i in range(net.weights.size) if i not in pins]
    heapq.heapify(queue)
    while queue:
        _, layer = heapq.heappop(queue)
        choice[layer] += 1
        found.append(point(net, choice, "frontier", "frontier"))
        if choice[layer] + 1 < len(WIDTHS):
            heapq.heappush(queue, step(layer))
    return found if len(found) <= 400 else found[:: -(-len(found) // 400)]


def marks(net: Net) -> tuple[DialMark, ...]:
    rng = np.random.default_rng(5)
    n = net.weights.size
    uniform = [point(net, np.full(n, i), "uniform", f"{b} bit") for i, b in enumerate(WIDTHS)]
    cloud = []
    for spread in rng.uniform(0.2, 6.5, 300):
        choice = np.clip(np.round(rng.normal(spread, 1.2, n)), 0, 6).astype(int)
        cloud.append(point(net, choice, "random", "random"))
    greedy = [
        replace(p, loss=1.6 * p.loss + 2e-4, kind="greedy", label="")
        for p in frontier(net, {})[::9]
    ]
    thrifty = [replace(p, loss=1.4 * p.loss) for p in greedy[1::3]]
    free = [replace(p, loss=0.8 * p.loss) for p in greedy]
    return (
        DialMark("random", "cloud", tuple(cloud)),
        DialMark("uniform", "line", tuple(uniform)),
        DialMark("without pins", "line", tuple(free)),
        DialMark("greedy accuracy", "crosses", tuple(greedy[::3])),
        DialMark("greedy compression", "crosses", tuple(thrifty)),
    )


TILES = (
    DialTile("size_bytes", "Size", "Bytes of the whole network", 1e6, 3, "MB"),
    DialTile("ratio", "Smaller than 32 bit", "Size of the network at 32 bit over this size"),
    DialTile("average_bits", "Average bits", "Per weight", 1.0, 3),
    DialTile("bops", "BOPs", "Bit operations of an image", 1e9, 2, "GBOPs"),
    DialTile("loss", "Predicted ΔL", "With its 95 % interval"),
    DialTile("latency_ms", "Latency", "Of an image", 1e-3, 1, "µs"),
)


def view_of(name: str, state: dict) -> LiveDial:
    """What is shown of a network after what has been done to it."""
    net = make_net(LAYERS[name])
    pins: dict[int, int] = state["pins"]
    path = [] if name == "none" else frontier(net, pins)
    sizes = [p.costs["size_bytes"] or 0.0 for p in path] or [1e5, 8e5]
    low, high = round(min(sizes) / 1e6 + 0.005, 2), round(max(sizes) / 1e6 + 0.005, 2)
    unit = DialUnit("size_bytes", "Size", 1e6, low, high, 0.01, 2, "MB")
    value = min(max(state.get("value", round(low + 0.3 * (high - low), 2)), low), high)
    inside = [p for p in path if (p.costs["size_bytes"] or 0) <= value * 1e6] or path[:1]
    best = replace(inside[-1], kind="ilp", loss=0.999 * inside[-1].loss) if inside else None
    kept = tuple(replace(p, label=f"kept {i + 1}") for i, p in enumerate(path[40:200:100]))
    measured = tuple(
        DialMeasured("150 photographs", p.costs, 1.1 * p.loss, 0.7 * p.loss, 1.5 * p.loss)
        for p in path[60:200:60]
    )
    total = float(net.weights.sum())
    layers = tuple(
        DialLayer(
            f"layer{i}",
            f"blocks.{i // 3}.conv_{('dw', 'pw', 'pwl')[i % 3]}",
            float(weights) / total,
            dict(zip(WIDTHS, (float(v) for v in net.losses[i]), strict=True)),
            pins.get(i),
        )
        for i, weights in enumerate(net.weights)
    )
    focus = min(state["focus"], len(layers) - 1)
    here = dict(zip(WIDTHS, net.losses[focus], strict=True))
    costs = {b: max(0.0, float(here[b] - here[4])) for b in WIDTHS if b != 7}
    return LiveDial(
        unit=unit,
        value=value,
        path=tuple(path),
        confirmed=best,
        confirmed_text="optimum proven, 0.21 s",
        layers=layers,
        focus=focus,
        marks=() if name == "none" else (*marks(net), DialMark("kept", "diamonds", kept)),
        measured=measured,
        tiles=TILES,
        quantity="Predicted ΔL (KL divergence, nats)",
        full_bytes=net.full_bytes,
        pin_costs=costs,
        can_undo=bool(state["heard"]),
        can_redo=False,
        can_keep=all(event["kind"] != "keep" for event in state["heard"]),
        confirmed_state="infeasible" if name == "one" else "confirmed",
    )


def page() -> None:
    """The dial, and below it how often the page ran and what it heard."""
    st.set_page_config(layout="wide")
    state = st.session_state.setdefault("state", {"pins": {}, "focus": 0, "heard": [], "runs": 0})
    state["runs"] += 1

    def heard(event: DialEvent) -> None:
        state["heard"].append(asdict(event))
        if event.kind == "released":
            state["value"] = event.value
        elif event.kind == "focus":
            state["focus"] = event.layer
        elif event.kind == "pin" and event.bits is None:
            state["pins"].pop(event.layer, None)
        elif event.kind == "pin":
            state["pins"][event.layer] = event.bits

    view = view_of(st.query_params.get("net", "efficient"), state)
    live_dial(view, "dial", "Predicted loss against size.", palette(), heard)
    heard_so_far = {"count": len(state["heard"]), "heard": state["heard"]}
    st.code(json.dumps({"runs": state["runs"], **heard_so_far}))


if __name__ == "__main__":
    page()
