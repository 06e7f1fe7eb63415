"""What a report on calibration data says to do, in words. Free of torch."""

from __future__ import annotations

from qcore.measure.data_report import DataReport, Trial

_MOVES = 0.10
_FEW_CLASSES = 0.5
_FEW_IMAGES = 16


def warnings_of(report: DataReport) -> list[str]:
    """What is wrong with the data and what to do, the gravest first."""
    found = [*_about_preparation(report), *_about_images(report), *_about_labels(report)]
    moving = [la for la in report.layers if la.move is not None and la.move > _MOVES]
    if moving:
        worst = max(moving, key=lambda la: la.move or 0.0)
        found.append(
            f"The clipping threshold of {len(moving)} of {len(report.layers)} layer inputs moves "
            f"by more than {_percent(_MOVES)} between the even and the odd images, most in "
            f"{worst.layer} ({_percent(worst.move or 0)}). More images make it steady."
        )
    return found


def remarks_of(report: DataReport) -> list[str]:
    """What is worth knowing and nothing is wrong with."""
    found = []
    short = [la for la in report.layers if la.images_needed > report.images]
    if short:
        most = max(short, key=lambda la: la.images_needed)
        found.append(
            f"CalibTIP's rule asks for more than {_images(report.images)} in {len(short)} of "
            f"{len(report.layers)} layers, most in {most.layer} ({most.images_needed:,}). It "
            "matters where weights are tuned on the images, little for rounding them."
        )
    return found


def _about_preparation(report: DataReport) -> list[str]:
    found = []
    best = report.best_preset
    if best is not None:
        found.append(_better(best, report.trials[0]))
    spread = max(report.std, default=1.0)
    if any(abs(m) > 2 for m in report.mean) or not 0.05 < spread < 5:
        means = ", ".join(f"{m:.3g}" for m in report.mean)
        found.append(
            f"The values that enter the network have mean {means} and spread up to {spread:.3g}; "
            "most networks are trained with about 0 and 1. Check range, mean and std."
        )
    confidence, classes = report.own.confidence, report.classes
    if confidence is not None and classes is not None and confidence < max(0.2, 1.5 / classes):
        found.append(
            f"The network gives its first choice only {_percent(confidence)} on average: these "
            "images do not look like those it was trained on. Check normalisation and channels."
        )
    varied = report.images >= 16 and (report.chance is None or report.chance < 0.7)
    if varied and report.commonest is not None and report.commonest > 0.8:
        found.append(
            f"The network names one and the same class for {_percent(report.commonest)} of the "
            "images. Check normalisation, or bring images of more classes."
        )
    return found


def _about_images(report: DataReport) -> list[str]:
    found = []
    if report.shared:
        found.append(
            f"{report.shared} of the {_images(report.images)} to calibrate on are also among those "
            "to measure on, byte by byte: the measurement will look too good. Remove the copies."
        )
    if report.copies:
        found.append(
            f"{report.copies} of {_images(report.images)} are exact copies of others: they add no "
            "information. Remove them."
        )
    if report.images < _FEW_IMAGES:
        found.append(
            f"{_images(report.images)} to calibrate on is little: intervals will be wide, and "
            f"thresholds may miss what is common. Bring at least {2 * _FEW_IMAGES}."
        )
    return found


def _about_labels(report: DataReport) -> list[str]:
    found = []
    chance, accuracy = report.chance, report.own.accuracy
    if accuracy is not None and chance is not None and chance < 1:
        above = (accuracy - chance) / (1 - chance)
        if above < 0.3:
            found.append(
                f"Accuracy is {_percent(accuracy)}, where always naming the commonest class gives "
                f"{_percent(chance)}. Check the order of the labels and the normalisation."
            )
    if report.class_counts and report.classes is not None:
        seen = len(report.class_counts)
        if seen < _FEW_CLASSES * report.classes:
            found.append(
                f"The labels name {seen} of the network's {report.classes:,} classes: kernels that "
                "serve the others look less sensitive than they are."
            )
        if report.unmet_classes:
            found.append(
                f"{report.unmet_classes} of the classes to measure on do not occur among the "
                "images to calibrate on. Bring at least two images of each class."
            )
        counts = [count for _, count in report.class_counts]
        if max(counts) > 10 * min(counts):
            found.append(
                f"Classes are uneven: the rarest has {min(counts)} images, the commonest "
                f"{max(counts)}. The loss follows the commonest."
            )
    return found


def _better(best: Trial, asked: Trial) -> str:
    if best.accuracy is not None and asked.accuracy is not None:
        return (
            f"Normalisation looks wrong: with “{best.preset}” accuracy is "
            f"{_percent(best.accuracy)} instead of {_percent(asked.accuracy)} on the same "
            f"{best.images} images."
        )
    return (
        f"Normalisation may be wrong: with “{best.preset}” the network tells the same "
        f"{best.images} images better apart (confidence {_percent(best.confidence or 0)} instead "
        f"of {_percent(asked.confidence or 0)}). Use it if the network was trained that way."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _images(count: int) -> str:
    return f"{count:,} image" + ("" if count == 1 else "s")
