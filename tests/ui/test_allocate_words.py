"""What the page Allocate and the list of running jobs say in words and figures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.interaction import InteractionResult
from qcore.allocate.problem import Allocation
from qcore.calibrate.clipping import Clipping
from qcore.store.job import Job
from ui.allocation import signed
from ui.allocation.interactions import interaction_words
from ui.jobs import title


def job(bits: list[tuple[str, Any, int | None]], corrected: bool = True) -> Job:
    clipping = Clipping(bias_correction=corrected).to_json()
    question = {"model": "sample:fashion-cnn", "bits": bits, "clipping": clipping}
    return Job(
        "j", "evaluate", question, "running", 0.5, "", False, None, 0.0, None, 0.0, 0.0, None
    )


@pytest.mark.parametrize(
    ("bits", "corrected", "words"),
    [
        ([("a", 5, None), ("b", 5, None)], True, "uniform 5 bit"),
        ([("a", 5, None), ("b", 5, None)], False, "plain uniform 5 bit"),
        ([("a", 2, 8), ("b", 8, 8)], True, "2 to 8 bits per layer"),
        ([("a", [3, 4, 4], None), ("b", 6, None)], True, "3 to 6 bits per kernel"),
        ([("a", None, None)], True, "full precision"),
    ],
)
def test_a_measurement_is_called_by_its_bits(bits: Any, corrected: bool, words: str) -> None:
    assert title(job(bits, corrected)) == f"Measuring {words} · Fashion CNN"


@given(st.floats(-1e4, 1e4))
def test_a_loss_keeps_three_digits_or_its_power_of_ten(value: float) -> None:
    text = signed.loss(value)
    assert "-" not in text
    assert text[0] in "+−0"
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.051, abs=1e-300)


def test_figures_as_documented() -> None:
    assert signed.loss(0.045) == "+0.0450"
    assert signed.loss(-1.3e-5) == "−1.3e−5"
    assert signed.loss(123.4) == "+123"
    assert signed.cost("size_bytes", -216) == "−216 B"
    assert signed.cost("average_bits", 0.00042) == "+0.00042 bits"
    assert [signed.ratio(value) for value in (4, 39.84, 398.4)] == ["4.00", "39.8", "398"]


def interaction(moves: int, kept: float, loss: float) -> str:
    allocation = Allocation((0,), 0.0792, {"loss": 0.0792})
    return interaction_words(InteractionResult(allocation, 0.0786, loss, moves, kept))


def test_interactions_in_a_sentence() -> None:
    words = interaction(6, 0.048, 0.0781)
    assert words.startswith("Counting 4.8 % of the measured interactions, predicted ΔL falls")
    assert "from 0.0786 to 0.0781 by 6 changes" in words
    assert "adds up layers alone" in words
    assert "no change" in interaction(0, 0.048, 0.0786)
    assert interaction(0, 0.0, 0.0786).startswith("Interactions change nothing")
