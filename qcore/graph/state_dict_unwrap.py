"""Where in a checkpoint the weights are, and which wrappers' prefixes their names carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.recipes import STATE_DICT_HINT

# Names under which trainers keep the weights; averaged copies come last.
_PLACES = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "net_state_dict",
    "network",
    "weights",
    "params",
    "module",
    "model_ema",
    "state_dict_ema",
    "ema_state_dict",
    "ema",
)
# DataParallel, torch.compile, Lightning modules and classes that hold the network as a member.
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")
_DEEPEST = 4


def find_weights(loaded: Any, title: str) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of the state dict inside a checkpoint, with notes. Raises BadInput for none.

    Example: ``{"epoch": 3, "model": {"fc.weight": w}}`` gives ``{"fc.weight": w}``.
    """
    if not isinstance(loaded, Mapping):
        raise _not_weights(title)
    place: Mapping[Any, Any] = loaded
    notes: list[str] = []
    for _ in range(_DEEPEST):
        name = _inner(place, title)
        if name is None:
            break
        others = [key for key in _PLACES if key != name and _holds_tensors(place.get(key))]
        beside = f", not from {others[0]!r}" if others else ""
        notes.append(f"weights taken from {name!r} of the checkpoint{beside}")
        place = place[name]
    tensors = {key: value for key, value in place.items() if isinstance(value, Tensor)}
    if not tensors or not all(isinstance(key, str) for key in tensors):
        raise _not_weights(title)
    return tensors, notes


def strip_prefixes(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Take off, again and again, a wrapper's prefix that all names carry; one note for each."""
    result, notes = dict(tensors), list[str]()
    # The counter of torch.optim.swa_utils.AveragedModel stands beside the network.
    if len(result) > 1 and all(k.startswith("module.") for k in result if k != "n_averaged"):
        result.pop("n_averaged", None)
    while True:
        prefix = next((p for p in _PREFIXES if all(_more(k, p) for k in result)), None)
        if prefix is None:
            return result, notes
        result = {key.removeprefix(prefix): value for key, value in result.items()}
        notes.append(f"prefix {prefix!r} taken off all names")


def _more(key: str, prefix: str) -> bool:
    return key.startswith(prefix) and key != prefix


def _inner(place: Mapping[Any, Any], title: str) -> str | None:
    for name in _PLACES:
        if _holds_tensors(place.get(name)):
            return name
    if any(isinstance(value, Tensor) for value in place.values()):
        return None
    inner = [key for key, value in place.items() if _holds_tensors(value, 1)]
    if len(inner) > 1:
        names = ", ".join(repr(key)[:40] for key in inner[:3])
        raise BadInput(
            f"{title} holds {len(inner)} sets of weights ({names}); "
            f"choose one and {STATE_DICT_HINT}"
        )
    return inner[0] if inner and isinstance(inner[0], str) else None


def _holds_tensors(value: Any, deep: int = 2) -> bool:
    """True for a dictionary with tensors under text names, itself or one dictionary further in."""
    return isinstance(value, Mapping) and any(
        isinstance(key, str) and (isinstance(one, Tensor) or (deep > 1 and _holds_tensors(one, 1)))
        for key, one in value.items()
    )


def _not_weights(title: str) -> BadInput:
    return BadInput(f"{title} holds no state dict (names and tensors); {STATE_DICT_HINT}")
