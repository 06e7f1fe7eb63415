"""What a sensitivity table was measured on, found again."""

from __future__ import annotations

from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.sensitivity.objectives import check_objective
from qcore.sensitivity.table import SensitivityTable


def measured_on(table: SensitivityTable) -> tuple[Network, Dataset]:
    """The network and the images; BadInput where they are not those of the table any more."""
    network = load_network(table.network.name)
    found, known = network.description.fingerprint, table.network.fingerprint
    if found != known:
        raise BadInput(
            f"{table.network.name} has other weights than the table was measured on "
            f"(fingerprint {found[:12]}, in the table {known[:12]}); measure the table again"
        )
    data = load_data(table.data, network, "calibration")
    found, known = data.fingerprint(), table.data_fingerprint
    if found != known:
        raise BadInput(
            f"{table.data.title} holds other images than the table was measured on "
            f"(fingerprint {found[:12]}, in the table {known[:12]}); measure the table again"
        )
    labelled = data.labels is not None
    check_objective(table.config.objective, network.description, labelled, data.name)
    return network, data
