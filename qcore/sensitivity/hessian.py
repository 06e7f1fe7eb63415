"""HAWQ's Ω: the mean trace of each layer's Hessian times the squared change of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped, is_out_of_memory
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import Changes, arrange, as_tuple
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.hessian_trace import SecondDerivative, rademacher
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.pieces import row_of
from qcore.sensitivity.row import SensitivityRow

_CHUNK_VALUES = 2**26  # of what enters and leaves layers: double backward keeps several of each


def measure_hessian(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    *,
    on_rows: Callable[[tuple[SensitivityRow, ...]], None] = lambda rows: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[SensitivityRow, ...]:
    """One row for every layer and width; ``delta_loss`` is Ω = Tr(H) / n * |Q(W) - W|².

    Dong et al. 2020 (HAWQ-V2, arXiv 1911.03852): H is the Hessian of the mean loss
    with respect to the layer's n weights, its trace found by Hutchinson's estimator (see
    ``hessian_trace``). Every chunk of images has its own share of the ``config.probes`` random
    directions, so a probe costs a Hessian-vector product on its chunk only; each probe's trace is
    weighted by the images of its chunk, and the interval is Student's over the probes. Example:
    a trace of 60.6667 over 2 weights that rounding moves by 0.01 in square gives 0.3033.

    Rows over the probes so far go to ``on_rows`` after every chunk of images. Raises BadInput where
    the output is not finite or an operator has no second derivative, and Stopped when
    ``should_stop`` says so.
    """
    chunks = _chunks(network, data, config)
    each = math.ceil((config.probes or 1) / len(chunks))
    total, images = each * len(chunks), sum(map(len, chunks))
    generator = torch.Generator().manual_seed(config.seed)
    bench = _Bench(network, config)
    factors = _factors(network, config)
    rows: tuple[SensitivityRow, ...] = ()
    traces: list[Tensor] = []
    for indices in chunks:
        share = len(indices) * len(chunks) / images
        with torch.inference_mode(False), torch.enable_grad():
            hessian = bench.hessian(data, indices)
            for _ in range(each):
                if should_stop():
                    raise Stopped
                traces.append(share * bench.probe(hessian, generator))
                on_progress(len(traces) / total, f"probe {len(traces)} of {total}")
            del hessian  # before the next chunk builds its own
        rows = tuple(_rows(network, config, factors, torch.stack(traces)))
        on_rows(rows)
    return rows


def _chunks(network: Network, data: Dataset, config: SensitivityConfig) -> list[Tensor]:
    """The images of ``exact``, in chunks that double backward has memory for, of equal size."""
    chosen = torch.cat(split_chunks(network, data, config))
    shapes = [s for la in network.description.layers for s in (la.input_shape, la.output_shape)]
    fitting = max(1, _CHUNK_VALUES // sum(math.prod(shape) for shape in shapes))
    # A fixed batch is run whole, however few its images are.
    images = network.description.batch or min(fitting, chunk_images(network))
    return list(chosen.tensor_split(math.ceil(len(chosen) / images)))


@contextmanager
def _refusals() -> Iterator[None]:
    """Torch's refusals to differentiate, in a line."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error) or isinstance(error, torch.OutOfMemoryError):
            raise
        reason = str(error).partition("\n")[0].rstrip(".")
        raise BadInput(
            f"the Hessian of this network cannot be found ({reason}); "
            "use another measure of sensitivity"
        ) from error


class _Bench:
    """The network with its layers' weights as what the loss is differentiated by."""

    def __init__(self, network: Network, config: SensitivityConfig) -> None:
        self._runner, self._config = network.runner(), config
        with torch.inference_mode(False):
            layers = network.description.layers
            self._leaves = {
                la.weight_key: arrange(network.weight(la), network.device).clone().requires_grad_()
                for la in layers
            }
            # Autograd cannot save what was made in inference mode.
            copies = {
                key: arrange(network.tensors[key], network.device).clone()
                for key in set(network.constants.values())
                if network.tensors[key].is_inference()
            }
        self._changes = Changes({**copies, **self._leaves})

    def hessian(self, data: Dataset, indices: Tensor) -> SecondDerivative:
        """Of the mean loss of these images."""
        labels = None if data.labels is None else data.labels[indices].to(self._runner.device)
        with sdpa_kernel(SDPBackend.MATH):  # the others have no second derivative
            output = self._runner(data.batch(indices), self._changes)
        if not is_finite(output):
            raise BadInput(
                f"the network's output on {data.name} is NaN or infinite; check its normalisation"
            )
        found = tuple(value.detach() for value in as_tuple(output))
        reference = found[0] if len(found) == 1 else found
        loss = loss_per_image(output, reference, labels, self._config.objective).mean()
        with _refusals():
            return SecondDerivative(loss, list(self._leaves.values()))

    def probe(self, hessian: SecondDerivative, generator: torch.Generator) -> Tensor:
        """(layers,): one estimate of each layer's trace."""
        with _refusals():
            return hessian.traces(rademacher(list(self._leaves.values()), generator))


def _factors(network: Network, config: SensitivityConfig) -> dict[tuple[str, Width], float]:
    """What the trace of a cell's layer is multiplied with."""
    quantizer, factors = NetworkQuantizer(network, config.clipping), {}
    for layer in network.description.layers:
        for width in config.widths:
            change = quantizer.weight(layer, width.bits).cpu() - network.weight(layer).cpu()
            squared = float(change.double().square().sum())
            factors[layer.name, width] = squared / layer.weight_count
    return factors


def _rows(
    network: Network,
    config: SensitivityConfig,
    factors: Mapping[tuple[str, Width], float],
    traces: Tensor,
) -> Iterator[SensitivityRow]:
    """``traces``: (probes, layers), the mean over probes of which is the trace."""
    for layer, found in zip(network.description.layers, traces.T, strict=True):
        for width in config.widths:
            omega = factors[layer.name, width] * found
            moments = Moments(len(omega), float(omega.sum()), float(omega.square().sum()))
            row = row_of(layer.name, width, config, moments)
            yield replace(row, samples=config.images)
