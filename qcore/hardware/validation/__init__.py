"""Published against modelled figures of every machine that ships."""

from qcore.hardware.validation.figures import Errors, Published, Validation
from qcore.hardware.validation.validate import validate

__all__ = ["Errors", "Published", "Validation", "validate"]
