"""What a table of policies and machines shows."""

from __future__ import annotations

from collections.abc import Mapping

from qcore.allocate.across import CrossTable
from ui import format as fmt
from ui.allocation.units import amount
from ui.figures.policies import Crossed, wrapped
from ui.hardware.limits import Limit

_UNIFORM = "Best uniform"
_ROW = 26  # letters in a line
_SAME = 1.005  # ratios below are shown as 1.00


def crossed(found: CrossTable, titles: Mapping[str, str]) -> Crossed | None:
    """Policies that there are, on machines that run one of them, with the best uniform bits below;
    None where there is no policy."""
    rows = [p for p, policy in enumerate(found.policies) if policy is not None]
    columns = [m for m in range(len(found.names)) if _best(found, m) is not None]
    if not rows or not columns:
        return None
    values = [found.values[p] for p in rows] + [found.uniform]
    names = [wrapped(f"for {titles[found.names[p]]}", _ROW) for p in rows]
    return Crossed(
        [*names, _UNIFORM],
        [titles[found.names[m]] for m in columns],
        [[_ratio(found, line[m], m) for m in columns] for line in values],
        [[_amount(found, line[m], m) for m in columns] for line in values],
        [(rows.index(m), column) for column, m in enumerate(columns) if m in rows],
    )


def in_words(found: CrossTable, titles: Mapping[str, str], limit: Limit) -> str:
    """What the policies have in common, the dearest exchange, and what uniform bits take."""
    every = {policy for policy in found.policies if policy is not None}
    count = sum(policy is not None for policy in found.policies)
    begin = (
        f"Each row is the cheapest configuration for one hardware with a predicted ΔL of at most "
        f"{fmt.loss(limit.loss)} (that of {limit.name}). "
    )
    worst = max(_exchanges(found), default=None)
    if worst is None or worst[0] < _SAME:
        shared = "One policy is the best" if len(every) == 1 else "The policies cost the same"
        return f"{begin}**{shared}** on all {count} here: no specialising is needed."
    ratio, p, m = worst
    of, on = (fmt.plain(titles[found.names[i]]) for i in (p, m))
    text = (
        f"{begin}**{len(every)} different policies for {count} kinds of hardware, each the best on "
        f"its own.** The dearest exchange: bits chosen for {of} take **{ratio:.2f} times** as much "
        f"on {on} as the bits chosen for that."
    )
    said = (text, _against_uniform(found, titles), _indifferent(found, titles))
    return " ".join(part for part in said if part)


def _indifferent(found: CrossTable, titles: Mapping[str, str]) -> str:
    """The hardware on which all policies cost the same, so that any of them is the best."""
    policies = [p for p, policy in enumerate(found.policies) if policy is not None]
    same = []
    for m in policies:
        ratios = [_ratio(found, found.values[p][m], m) for p in policies]
        if len(policies) > 1 and all(r is not None and r < _SAME for r in ratios):
            same.append(fmt.plain(titles[found.names[m]]))
    if not same:
        return ""
    return f"On {', '.join(same)} all of them cost the same."


def _against_uniform(found: CrossTable, titles: Mapping[str, str]) -> str:
    gains = [
        (value / own, m)
        for m, value in enumerate(found.uniform)
        if value is not None and (own := found.values[m][m])
    ]
    if not gains:
        return "No uniform configuration is within the loss."
    gain, m = max(gains)
    name = fmt.plain(titles[found.names[m]])
    return f"The best uniform bits take up to {gain:.2f} times as much as a machine's own ({name})."


def troubles(found: CrossTable, titles: Mapping[str, str]) -> list[str]:
    """Machines that take no part, and why."""
    named = zip(found.names, found.trouble, strict=True)
    return [f"{titles[name]} takes no part: {why}." for name, why in named if why is not None]


def _exchanges(found: CrossTable) -> list[tuple[float, int, int]]:
    """(ratio, policy, machine) of policies on other machines that have one of their own."""
    count = range(len(found.names))
    pairs = [(p, m) for p in count for m in count if p != m and found.policies[m] is not None]
    each = [(_ratio(found, found.values[p][m], m), p, m) for p, m in pairs]
    return [(ratio, p, m) for ratio, p, m in each if ratio is not None]


def _best(found: CrossTable, machine: int) -> float | None:
    """Of all policies, the least on it: its own, where it has one."""
    known = [line[machine] for line in found.values]
    return min((value for value in known if value is not None), default=None)


def _ratio(found: CrossTable, value: float | None, machine: int) -> float | None:
    best = _best(found, machine)
    return None if value is None or not best else value / best


def _amount(found: CrossTable, value: float | None, machine: int) -> str:
    return "" if value is None else amount(found.quantities[machine], value)
