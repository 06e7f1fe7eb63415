"""The figures of the validation panel: published against modelled, of every machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.hardware import HARDWARE
from qcore.hardware.validation import Errors, Published, validate
from qcore.hardware.validation.figures import errors_of
from qcore.hardware.validation.tables import HAQ_PAIRS, apq_table, haq_table

V1, V2 = "MobileNet V1", "MobileNetV2"
BITS = ("4/4", "5/5", "6/6", "8/8")


def errors(name: str) -> dict[str, Errors]:
    return {one.what: one for one in validate(name).errors}


def totals(name: str, network: str) -> list[Published]:
    return [one for one in validate(name).totals if one.what.startswith(f"{network} at")]


@pytest.mark.parametrize("name", sorted({*HARDWARE, "bitfusion", "stripes"}))
def test_every_machine_says_what_is_known_of_it(name: str) -> None:
    found = validate(name)
    assert found.name == name.partition(":")[0]
    assert found.words
    assert found.sources
    assert validate(name) is found
    for one in found.totals:
        assert one.published > 0
        assert np.isfinite(one.error_percent)


def test_machines_that_nobody_published_figures_of() -> None:
    for name in ("own:0123", "this-machine"):
        with pytest.raises(BadInput, match=name):
            validate(name)


def test_bismo_in_the_cloud_is_haq_s_table_and_both_totals() -> None:
    (table,) = validate("bismo-cloud").errors
    assert (table.entries, table.exact_share, table.worst_percent) == (3392, 1, 0)
    for network, published in (
        (V1, [57.49, 77.52, 99.86, 151.09]),
        (V2, [74.46, 99.43, 127.07, 189.82]),
    ):
        found = totals("bismo-cloud", network)
        assert [one.what for one in found] == [f"{network} at {bits} bits" for bits in BITS]
        assert [one.published for one in found] == published
        assert max(abs(one.error_percent) for one in found) < 0.0061


def test_bismo_at_the_edge() -> None:
    found = validate("bismo-edge")
    assert found.errors == ()
    second = totals("bismo-edge", V2)
    assert [one.published for one in second] == [52.15, 66.94, 82.49, 115.84]
    assert max(abs(one.error_percent) for one in second) < 0.015
    first = totals("bismo-edge", V1)
    assert [one.published for one in first] == [45.45, 57.75, 70.67, 96.20]
    assert [round(one.error_percent, 2) for one in first] == [-4.48, -3.53, -2.88, -0.02]


def test_bitfusion_is_apq_s_table_and_its_energy_nearly() -> None:
    found = errors("bitfusion")
    assert {what: one.entries for what, one in found.items()} == {
        "latency, all layers": 6567,
        "latency, 1x1": 3015,
        "latency, depthwise": 3552,
        "energy, all layers": 6567,
        "energy, 1x1": 3015,
        "energy, depthwise": 3552,
    }
    every = found["latency, all layers"]
    assert (every.entries * every.exact_share, every.worst_percent) == pytest.approx(
        (6549, 6.73), rel=1e-3
    )
    assert every.mean_percent <= 0.011
    assert found["latency, 1x1"].mean_percent <= 0.024
    assert found["latency, depthwise"].exact_share == 1
    assert found["energy, all layers"].mean_percent <= 0.5
    assert found["energy, 1x1"].mean_percent <= 0.5
    assert found["energy, depthwise"].mean_percent <= 0.6
    assert found["energy, all layers"].worst_percent <= 3.75
    (haq,) = validate("bitfusion").totals
    assert (haq.published, haq.what) == (20.08, f"{V1} at 8/8 bits, on HAQ's machine")
    assert haq.modelled == pytest.approx(7.85, abs=0.01)  # another machine, as the words say


def test_of_stripes_nothing_can_be_compared() -> None:
    found = validate("stripes")
    assert (found.totals, found.errors) == ((), ())
    assert "cannot be compared" in found.words


def test_energy_of_operations_comes_back_to_figures_it_was_not_scaled_from() -> None:
    found = [(one.published, one.modelled) for one in validate("operations").totals]
    assert found == [(3.1, pytest.approx(3.2)), (640, 650)]


def test_a_roofline_is_rough_and_always_low() -> None:
    found = validate("roofline:phone-cpu")
    assert found is validate("roofline:edge-gpu")
    *milliseconds, ratio = found.totals
    assert [one.published for one in milliseconds] == [74.46, 99.43, 127.07, 189.82]
    assert [round(one.error_percent) for one in milliseconds] == [-86, -86, -86, -85]
    assert ratio.error_percent == pytest.approx(10.3, abs=0.1)
    every = errors("roofline:phone-cpu")["MobileNetV2 at 1 to 8 bits, all layers"]
    assert every.entries == 3392
    assert -100 < every.bias_percent < -80
    assert every.worst_percent < 100  # every entry is low: none is above by more


def test_the_tables_that_ship() -> None:
    haq, apq = haq_table(), apq_table()
    assert haq.cycles.shape == (53, 64)
    assert haq.cycles[0, HAQ_PAIRS.index(HAQ_PAIRS[0])] == 200_720
    assert haq.network.macs == 300_774_272  # torchvision's mobilenet_v2
    assert len(apq) == 779
    assert sum(len(one.pairs) for one in apq) == 6567
    first = next(one for one in apq if one.layer.weight_shape == (456, 96, 1, 1))
    assert first.layer.macs == 456 * 96 * 14 * 14
    assert first.cycles[[str(pair) for pair in first.pairs].index("4/4")] == 31096
    strided = next(one for one in apq if one.layer.output_shape != one.layer.input_shape)
    assert strided.layer.input_shape[2] >= strided.layer.output_shape[2]


def test_errors_by_hand() -> None:
    found = errors_of("hand", np.array([10.0, 30.0, 20.0, 40.0]), np.array([10.0, 33.0, 19, 40]))
    assert found.entries == 4
    assert found.mean_percent == pytest.approx((10 + 5) / 4)
    assert found.median_percent == pytest.approx(2.5)
    assert found.worst_percent == pytest.approx(10)
    assert found.p90_percent == pytest.approx(5 + 0.7 * 5)  # between the third and the fourth
    assert found.exact_share == 0.5
    assert found.bias_percent == pytest.approx(2)
    assert Published("x", 20.0, 21.0, "ms").error_percent == pytest.approx(5)


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20))
def test_errors_are_in_order(pairs: list[tuple[float, float]]) -> None:
    published, modelled = (np.array(part) for part in zip(*pairs, strict=True))
    found = errors_of("any", published, modelled)
    room = 1e-9 * max(1.0, found.worst_percent)
    assert 0 <= found.median_percent <= found.p90_percent + room
    assert found.p90_percent <= found.worst_percent + room
    assert found.mean_percent <= found.worst_percent + room
    assert abs(found.bias_percent) <= found.worst_percent + room
