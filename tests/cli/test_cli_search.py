"""search on the command line: every agent, its budget, going on, and every refusal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from qcore.agents.checkpoint import AgentState, Checkpoint
from qcore.agents.config import TITLES
from qcore.cli import searching
from qcore.cli.main import main

MODEL = "sample:fashion-cnn"
BUDGET = ("--budget", "average_bits=3.5", "--pin", "head=8")


def answer(table: str, folder: Path, *options: str, command: str = "search") -> dict[str, Any]:
    file = folder / "answer.json"
    assert main([command, table, *BUDGET, *options, "--json", str(file)]) == 0
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def without_times(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


@pytest.mark.parametrize("agent", list(TITLES))
def test_every_agent_answers_as_the_contract_says(table: str, tmp_path: Path, agent: str) -> None:
    optimum = answer(table, tmp_path, command="allocate")
    found = answer(table, tmp_path, "--agent", agent, "--episodes", "3", "--seed", "5")
    history = found["history"]
    assert [row["episode"] for row in history] == [1, 2, 3]
    assert found["bits"]["head"] == {"weight": 8, "activation": None}
    assert found["costs"]["average_bits"] <= 3.5
    assert all(row["cost"] <= 3.5 + 1e-9 for row in history)
    assert found["predicted_loss"] == pytest.approx(min(row["predicted_loss"] for row in history))
    assert found["predicted_loss"] >= optimum["predicted_loss"] - 1e-12
    assert found["references"]["optimum"] == pytest.approx(optimum["predicted_loss"])
    assert found["references"]["bound"] <= optimum["predicted_loss"] + 1e-12
    assert (found["method"], found["agent"], found["seed"]) == (agent, agent, 5)
    again = answer(table, tmp_path, "--agent", agent, "--episodes", "3", "--seed", "5")
    assert without_times(again["history"]) == without_times(history)
    other = answer(table, tmp_path, "--agent", agent, "--episodes", "3", "--seed", "6")
    assert without_times(other["history"]) != without_times(history)


def test_two_budgets_that_pull_apart_are_met_together(table: str, tmp_path: Path) -> None:
    limit = answer(table, tmp_path, command="allocate")["predicted_loss"]
    options = ("--agent", "autoq", "--episodes", "4", "--budget", f"loss={limit + 0.05}")
    found = answer(table, tmp_path, *options)
    assert found["costs"]["average_bits"] <= 3.5
    assert found["predicted_loss"] <= limit + 0.05


def test_a_seed_may_be_large(table: str, tmp_path: Path) -> None:
    options = ("--episodes", "1", "--seed", str(2**63 - 1))
    for agent in TITLES:
        answer(table, tmp_path, "--agent", agent, *options)


def test_its_file_is_an_allocation_that_evaluate_takes(table: str, tmp_path: Path) -> None:
    answer(table, tmp_path, "--agent", "random", "--episodes", "5")
    file, result = str(tmp_path / "answer.json"), tmp_path / "measured.json"
    assert main(["evaluate", MODEL, MODEL, "--bits", file, "--json", str(result)]) == 0
    assert json.loads(result.read_text())["samples"] == 2000


def test_bits_per_kernel(table: str, tmp_path: Path) -> None:
    options = ("--agent", "autoq", "--episodes", "2", "--per-kernel")
    found = answer(table, tmp_path, *options)
    assert any(isinstance(entry["weight"], list) for entry in found["bits"].values())
    assert found["costs"]["average_bits"] <= 3.5
    assert found["bits"]["head"]["weight"] == 8


def test_grouped_layers_get_the_same_bits(table: str, tmp_path: Path) -> None:
    names = ["down.conv", "block1.conv1", "block1.conv2", "block2.conv1"]
    options = ("--agent", "random", "--episodes", "3", "--group", ",".join(names))
    found = answer(table, tmp_path, *options)
    assert len({found["bits"][name]["weight"] for name in names}) == 1


def test_a_checkpoint_is_gone_on_from(table: str, tmp_path: Path) -> None:
    options = ("--agent", "random", "--checkpoint", str(tmp_path / "search.part"))
    answer(table, tmp_path, *options, "--episodes", "4")
    more = answer(table, tmp_path, *options, "--episodes", "9")
    whole = answer(table, tmp_path, "--agent", "random", "--episodes", "9")
    assert without_times(more["history"]) == without_times(whole["history"])


def test_interrupted_it_has_the_best_so_far(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    show = searching._text

    def interrupting(episode: Any, wanted: int) -> str:
        if episode.number == 7:
            signal.raise_signal(signal.SIGINT)
        return show(episode, wanted)

    monkeypatch.setattr(searching, "_text", interrupting)
    found = answer(table, tmp_path, "--agent", "random", "--episodes", "500")
    assert len(found["history"]) == 7
    assert not found["finished"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--agent", "random", "--budget", "average_bits=0.01", "--pin", "head=8"],
            "nearest feasible",
        ),
        (["--agent", "random", "--images", "8"], "are of --evaluator measured"),
        (["--agent", "random", "--set", "draw=3"], "has no setting 'draw'; it has draws"),
        (["--agent", "random", "--set", "draws=many"], "draws is 'many'; give one like 1"),
        (["--agent", "random", "--set", "draws=0"], "it is at least 1"),
        (["--agent", "haq", "--set", "actor_rate=1e300"], "reasonable size"),
        (["--agent", "haq", "--set", "actor_layers=[1.5]"], "reasonable size"),
        (["--agent", "autoq", "--set", "sigma=Infinity"], "reasonable size"),
        (["--agent", "autoq", "--set", "memory_episodes=100000000000"], "reasonable size"),
        (["--agent", "autoq", "--set", 'psi_resource=["a",0,0,0]'], "reasonable size"),
        (["--agent", "releq", "--set", "lstm=100000000000"], "reasonable size"),
        (["--agent", "random", "--per-kernel", "--group", "down.conv,head"], "per layer"),
        (["--agent", "haq", "--budget", "loss=0.01"], "budget"),
        (["--agent", "haq", "--per-kernel"], "kernel"),
        (["--agent", "releq", "--per-kernel"], "kernel"),
        (
            ["--agent", "random", "--per-kernel", "--evaluator", "interaction"],
            "not of kernels",
        ),
        (["--agent", "random", "--checkpoint", __file__], "cannot be gone on from"),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    table: str, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    budget = [] if "--budget" in options else ["--budget", "average_bits=3.5"]
    assert main(["search", table, *options, *budget]) == 2
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    assert words in text


def test_a_checkpoint_that_somebody_changed_is_refused(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "search.part"
    options = ("--agent", "random", "--checkpoint", str(file), "--episodes", "2")
    answer(table, tmp_path, *options)
    kept = Checkpoint.from_bytes(file.read_bytes())
    one = replace(kept.episodes[0], choice=(9,) * 11)
    state = {"random": {"bit_generator": "PCG64"}}
    deep = np.frombuffer(b"[" * 10**5, dtype=np.uint8)
    for content in (
        Checkpoint(kept.about, kept.episodes, AgentState()).to_bytes(),
        Checkpoint(kept.about, kept.episodes, AgentState(state)).to_bytes(),
        Checkpoint(kept.about, (one,), kept.agent).to_bytes(),
        save({"known": deep}),
        file.read_bytes()[:-9],
    ):
        file.write_bytes(content)
        capsys.readouterr()
        assert main(["search", table, *BUDGET, *options, "--episodes", "4"]) == 2
        text = capsys.readouterr().err.strip()
        assert "name another file" in text
        assert "\n" not in text


def test_a_checkpoint_of_another_search_is_refused(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--agent", "random", "--checkpoint", str(tmp_path / "search.part"))
    answer(table, tmp_path, *options, "--episodes", "2")
    assert main(["search", table, *BUDGET, *options, "--seed", "9"]) == 2
    assert "of another search" in capsys.readouterr().err
