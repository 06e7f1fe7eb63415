"""What is printed of a search."""

from __future__ import annotations

from qcore.agents.episode import SearchRun, best_episode
from qcore.agents.references import References, above
from qcore.agents.setting import SearchSetting
from qcore.allocate.bits import BitAllocation
from qcore.cli.allocation_text import show_ledger, spread_text
from qcore.cli.show import show_table
from qcore.sensitivity.width_text import width_text


def show_search(
    setting: SearchSetting,
    run: SearchRun,
    lines: References,
    chosen: BitAllocation,
    wanted: int,
) -> None:
    """The bits, their costs, and the value beside what it is measured against."""
    assert run.allocation is not None
    choice = run.allocation.choice
    if setting.kernels is not None:
        rows = [(name, spread_text(bits)) for name, bits in chosen.bits.items() if bits is not None]
        show_table(("layer", "kernels at each width"), rows)
    else:
        widths = setting.layers.widths(choice)
        show_table(("layer", "bits"), [(name, width_text(w)) for name, w in widths.items()])
    print()
    for name, cost in setting.costs(choice).items():
        if name != "loss":
            print(f"{name:16}{cost:,.4f}".rstrip("0").rstrip("."))
    what = "size in bytes" if setting.task.saves else setting.table.config.quantity_in_unit()
    best = best_episode(run.episodes)
    assert best is not None
    offset = setting.offset
    more = above(best.value + offset, lines.optimum.value + offset)
    words = "" if more is None else f"  (found is {more:+.1%} from it)"
    print(f"\n{what}, each by the same evaluator")
    print(f"  found                   {best.value + offset:+.4e}")
    print(f"  {lines.title:22}  {lines.optimum.value + offset:+.4e}{words}")
    if lines.uniform is not None:
        print(f"  best uniform            {lines.uniform.value + offset:+.4e}")
    if lines.bound is not None:
        print(f"  bound                   {lines.bound + offset:+.4e}")
    ended = "" if run.finished else f" of {wanted:,}, stopped"
    print(
        f"{len(run.episodes):,} episodes{ended}, {run.evaluations:,} evaluations, "
        f"{run.seconds:.1f} s"
    )
    show_ledger(setting.table, chosen)
