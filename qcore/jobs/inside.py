"""The limits that work runs in, and what it works on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from qcore.data.source import DataSource, Split
from qcore.errors import BadInput, Stopped
from qcore.jobs.limits import limited
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.sensitivity.config import SensitivityConfig
from qcore.store.store import Store

if TYPE_CHECKING:
    from qcore.calibrate.calibration import Calibration
    from qcore.calibrate.means import InputMeans
    from qcore.data.dataset import Dataset
    from qcore.graph.network import Network

Listener = Callable[[float, str], None]


class _OfNetwork(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def model_fingerprint(self) -> str: ...


class _OfData(_OfNetwork, Protocol):
    @property
    def data(self) -> DataSource: ...
    @property
    def data_fingerprint(self) -> str: ...


@contextlib.contextmanager
def opening(job_id: str, store: Store) -> Iterator[None]:
    """The limits of a file that is opened; cancelled even where a library does not return."""
    with limited(
        lambda message: store.end(job_id, "failed", 0.0, message),
        lambda: store.cancel_requested(job_id),
        lambda: store.end(job_id, "cancelled", 0.0),
    ):
        yield


@contextlib.contextmanager
def measuring(job_id: str, store: Store, reporter: Reporter) -> Iterator[Listener]:
    """The limits of work that may take hours as long as it moves; gives its progress callback."""
    with limited(lambda message: store.end(job_id, "failed", 0.0, message)) as moved:

        def progress(fraction: float, message: str) -> None:
            moved()
            reporter.progress(fraction, message)

        yield progress


@contextlib.contextmanager
def stopped_is_cancelled() -> Iterator[None]:
    """Work that was asked to stop ends as cancelled."""
    try:
        yield
    except Stopped as stopped:
        raise Cancelled from stopped


def network_of(asked: _OfNetwork) -> Network:
    """The network, refused where it is no longer what the question was about."""
    from qcore.graph.load import load_network

    network = load_network(asked.model)
    if network.description.fingerprint != asked.model_fingerprint:
        raise BadInput("the network has changed since this was asked; open it again")
    return network


def loaded(asked: _OfData, split: Split) -> tuple[Network, Dataset]:
    """Network and data, refused where they are no longer what the question was about."""
    network = network_of(asked)
    return network, data_of(network, asked.data, asked.data_fingerprint, split)


_last: dict[tuple[str, DataSource, str], Dataset] = {}


def data_of(network: Network, source: DataSource, fingerprint: str, split: Split) -> Dataset:
    """The data, refused where they are no longer those of that fingerprint.

    The last ones are kept in memory: a person measures one layer after the other on them.
    """
    from qcore.data.load import load_data

    key = (network.description.fingerprint, source, fingerprint)
    if key not in _last:
        _last.clear()  # before others are loaded: there may not be room for both
        data = load_data(source, network, split)
        if data.fingerprint() != fingerprint:
            raise BadInput("the data have changed since this was asked; open them again")
        _last[key] = data
    return _last[key]


def calibration_of(
    asked: _OfNetwork,
    source: DataSource,
    fingerprint: str,
    progress: Listener,
    should_stop: Callable[[], bool],
) -> Calibration:
    """The histograms of a network on calibration data: from disk, else made now."""
    from qcore.calibrate.calibration import known_calibration

    known = known_calibration(asked.model_fingerprint, fingerprint)
    if known is not None:
        return known
    from qcore.calibrate.observe import calibration_for

    network = network_of(asked)
    data = data_of(network, source, fingerprint, "calibration")
    return calibration_for(network, data, on_progress=progress, should_stop=should_stop)


def calibration_if_needed(
    config: SensitivityConfig,
    asked: _OfData,
    progress: Listener,
    should_stop: Callable[[], bool],
) -> Calibration | None:
    """What thresholds of inputs are found on; None where no inputs are rounded."""
    if not config.rounds_inputs:
        return None
    return calibration_of(asked, asked.data, asked.data_fingerprint, progress, should_stop)


def means_of(
    asked: _OfNetwork,
    source: DataSource,
    fingerprint: str,
    progress: Listener,
    should_stop: Callable[[], bool],
) -> InputMeans:
    """What enters a network's layers on average on calibration data: from disk, else found now."""
    from qcore.calibrate.means import known_means

    known = known_means(asked.model_fingerprint, fingerprint)
    if known is not None:
        return known
    from qcore.calibrate.average import means_for

    network = network_of(asked)
    data = data_of(network, source, fingerprint, "calibration")
    return means_for(network, data, on_progress=progress, should_stop=should_stop)
