"""Hardware that people bring: kept once, under names that are no paths, and found by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.hardware import HARDWARE
from qcore.hardware.network_costs import hardware_costs
from qcore.hardware.pair import BitPair
from qcore.hardware.roofline_file import roofline_to_json
from qcore.hardware.roofline_presets import PRESETS
from qcore.latency.measurement import LatencyMeasurement, LayerLatency
from qcore.store import own_hardware as store
from qcore.store.find_hardware import find_hardware
from qcore.store.latencies import keep_latency

TABLE = "layer,weight_bits,activation_bits,ms\nhead,8,8,1.5\n"
ROOFLINE = json.dumps(roofline_to_json(PRESETS["edge-gpu"]))
EIGHT = BitPair(8, 8)
_SHAPES = ((3, 2), 1, 3, 6, (1, 2), (1, 3))
NETWORK = Description(
    name="tiny",
    fingerprint="a" * 64,
    parameters=6,
    input_shape=(2,),
    output_shapes=((3,),),
    layers=(Layer("head", "linear", "head", None, ("head",), *_SHAPES),),
    not_quantized={},
    macs_not_quantized=0,
    other_count=0,
    folded_batch_norms=0,
    weights_note=None,
)


def files(home: Path) -> list[Path]:
    return sorted((home / "hardware").glob("*"))


def ms(name: str, pair: BitPair = EIGHT) -> float:
    found = hardware_costs(NETWORK, find_hardware(name, NETWORK), [pair]).cost.latency_ms
    assert found is not None
    return float(found[0, 0])


def test_a_table_is_kept_and_found() -> None:
    name = store.keep_hardware(" My board ", "table", TABLE)
    assert name.startswith("own:")
    assert store.own_text(name) == TABLE
    assert store.own_roofline(name) is None
    assert {n: h.title for n, h in store.own_hardware().items()} == {name: "My board"}
    assert find_hardware(name, NETWORK).name == name
    assert ms(name) == 1.5


def test_a_roofline_is_kept_under_its_new_title() -> None:
    name = store.keep_hardware("Mine", "roofline", ROOFLINE)
    assert store.own_roofline(name) == replace(PRESETS["edge-gpu"], title="Mine")
    assert json.loads(store.own_text(name))["title"] == "Mine"
    assert store.own_hardware()[name].title == "Mine"
    # 6 weights, 2 inputs and 3 outputs of a byte each pass the memory.
    assert ms(name) == pytest.approx(11 / 204.8e6)


def test_the_same_is_kept_once(store_home: Path) -> None:
    first = store.keep_hardware("Mine", "roofline", ROOFLINE)
    assert store.keep_hardware("Mine", "roofline", " " + ROOFLINE) == first
    names = {first, store.keep_hardware("Other", "roofline", ROOFLINE)}
    names |= {store.keep_hardware(title, "table", TABLE) for title in ("Mine", "Other")}
    assert len(names) == len(files(store_home)) == 4
    assert [h.title for h in store.own_hardware().values()] == ["Mine", "Mine", "Other", "Other"]


def test_what_is_removed_is_gone(store_home: Path) -> None:
    name = store.keep_hardware("Mine", "table", TABLE)
    store.remove_hardware("own:../" + name.removeprefix("own:"))
    store.remove_hardware(name.removeprefix("own:"))
    assert len(files(store_home)) == 1
    store.remove_hardware(name)
    store.remove_hardware(name)
    assert not files(store_home)
    assert not store.own_hardware()
    assert store.own_roofline(name) is None
    for use in (store.own_text, lambda name: find_hardware(name, NETWORK)):
        with pytest.raises(BadInput, match="not kept any more; bring its file again"):
            use(name)


@pytest.mark.parametrize("title", ["", "  ", "a" * 81, "a\nb", "a\0b"])
def test_a_title_is_one_short_line(title: str, store_home: Path) -> None:
    with pytest.raises(BadInput, match="title of hardware has 1 to 80 characters"):
        store.keep_hardware(title, "table", TABLE)
    assert not files(store_home)


@given(st.text(max_size=90))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_no_title_is_a_path(store_home: Path, title: str) -> None:
    try:
        name = store.keep_hardware(title, "table", TABLE)
    except BadInput:
        return
    assert store.own_hardware()[name].title == title.strip()
    assert files(store_home) == [store_home / "hardware" / f"{name.removeprefix('own:')}.json"]
    store.remove_hardware(name)


def test_nothing_wrong_is_kept(store_home: Path) -> None:
    for kind, text in (("table", ROOFLINE), ("roofline", TABLE), ("table", "")):
        with pytest.raises(BadInput):
            store.keep_hardware("Mine", kind, text)
    assert not files(store_home)


DAMAGES = {
    "empty": lambda whole: "",
    "list": lambda whole: "[]",
    "fields": lambda whole: "{}",
    "cut": lambda whole: whole[:-9],
    "nested": lambda whole: "[" * 99_999,
    "inside": lambda whole: whole.replace("8,8", "8"),
    "kind": lambda whole: whole.replace('"table"', "[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_left_out_and_mended_by_bringing_it_again(
    damage: str, store_home: Path
) -> None:
    name = store.keep_hardware("Mine", "table", TABLE)
    path = files(store_home)[0]
    path.write_text(DAMAGES[damage](path.read_text()))
    assert not store.own_hardware()
    assert store.own_roofline(name) is None
    with pytest.raises(BadInput, match="bring its file again"):
        find_hardware(name, NETWORK)
    assert store.keep_hardware("Mine", "table", TABLE) == name
    assert ms(name) == 1.5


def test_no_more_than_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_KEPT", 2)
    for title in ("a", "b", "a"):
        store.keep_hardware(title, "table", TABLE)
    with pytest.raises(BadInput, match="2 hardware descriptions are kept already; remove one"):
        store.keep_hardware("c", "table", TABLE)


def test_a_built_in_machine_is_found() -> None:
    assert find_hardware("bismo-edge", NETWORK) is HARDWARE["bismo-edge"]


def test_files_are_found_by_their_suffix(tmp_path: Path) -> None:
    table, roofline = tmp_path / "board.CSV", tmp_path / "gpu.json"
    table.write_bytes(b"\xef\xbb\xbf" + TABLE.encode())
    roofline.write_text(ROOFLINE)
    found = find_hardware(str(table), NETWORK)
    assert (found.title, found.fixed_batch) == ("board.CSV", True)
    assert ms(str(table)) == 1.5
    assert find_hardware(str(roofline), NETWORK).title == PRESETS["edge-gpu"].title
    table.write_text(TABLE.replace("1.5", "2.5"))
    assert find_hardware(str(table), NETWORK).revision != found.revision


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, r"none.csv' cannot be read \(No such file or directory\); check"),
        ("zero\0.csv", None, "cannot be read"),
        ("a.json", b"{", "is no JSON"),
        ("a.csv", b"\xff\xfel\0a\0", "no UTF-8 text; save it as CSV"),
        ("a.csv", TABLE.replace("head", "haed").encode(), "line 2: .* the nearest is 'head'"),
        ("large.csv", b" " * 20_000_001, "larger than 20,000,000 bytes"),
    ],
)
def test_wrong_files(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        find_hardware(str(tmp_path / name), NETWORK)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bismo-clod", "did you mean 'bismo-cloud'.*this-machine, FILE.csv and FILE.json"),
        ("", "no hardware is called ''; there are: bismo-cloud"),
        ("own:", "hardware 'own:' is not kept any more"),
        ("own:../../etc/passwd", "is not kept any more"),
        ("this-machine", "measure first: python -m qcore latency MODEL --hardware this-machine"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        find_hardware(name, NETWORK)


def test_this_machine_once_it_was_measured() -> None:
    layer = LayerLatency(BitPair(8, 8), 0.25, 0.2, 0.3, 5, "head")
    keep_latency(
        LatencyMeasurement("a" * 64, "tiny", "A processor", 2, 1, "ORT", (layer,), (), (), 1.0)
    )
    assert ms("this-machine") == 0.25
