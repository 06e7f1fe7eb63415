"""Which entries a .pt2 archive has, and what a file is that is none."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

from qcore.data.archive import ArchiveLimits
from qcore.graph.pt2.text import Refused

LIMITS = ArchiveLimits(entries=50_000, total_bytes=8 * 2**30, ratio=200.0)
WEIGHTS = "data/weights/"
CONSTANTS = "data/constants/"
_MODELS = "models/"
_EXPORT_AGAIN = "export it again with torch 2.13"
# Written by torch.export.save and of no use here; sample inputs are a pickle.
_LEFT_OUT = ("data/sample_inputs/", "extra/", ".data/")
_CODE = ("data/aotinductor/", "data/executorch/", "data/mtia")


@dataclass(frozen=True)
class Layout:
    """Entries of an archive by their names below its top folder, and its one model's name."""

    entries: dict[str, zipfile.ZipInfo]
    model: str

    @property
    def program(self) -> str:
        """The entry that holds the graph."""
        return f"{_MODELS}{self.model}.json"

    def config(self, folder: str) -> str:
        """The entry that says which tensors are in which file of a folder."""
        return f"{folder}{self.model}_{folder.split('/')[1]}_config.json"


def find_layout(entries: list[zipfile.ZipInfo]) -> Layout:
    """Refused, with what it is instead, unless this is an archive of exactly one exported network.

    Compiled code (AOTInductor, ExecuTorch) and files of unknown purpose are refused by name.
    """
    tops = {info.filename.partition("/")[0] for info in entries}
    below = {info.filename.partition("/")[2]: info for info in entries}
    if {"serialized_exported_program.json", "version"} <= tops:
        raise Refused(f"is in the .pt2 format of torch 2.7 or older; {_EXPORT_AGAIN}")
    if "data.pkl" in below:
        script = "constants.pkl" in below or any(name.startswith("code/") for name in below)
        what = "a TorchScript archive" if script else "a pickle of torch.save"
        raise Refused(f"is {what}, which could run code; save it by torch.export.save")
    if len(tops) != 1 or "archive_format" not in below:
        raise Refused("is a ZIP archive but holds no exported network; use torch.export.save")
    for name in below:
        if name.startswith(_CODE):
            raise Refused(f"holds compiled code ({ascii(name)[:80]}); save the exported network")
    models = sorted(name for name in below if name.startswith(_MODELS))
    if len(models) != 1 or not models[0].endswith(".json"):
        shown = ", ".join(ascii(name)[1:60].rstrip("'") for name in models[:5]) or "none"
        raise Refused(f"holds {len(models)} networks ({shown}); save exactly one")
    layout = Layout(below, models[0].removeprefix(_MODELS).removesuffix(".json"))
    _check_known(layout)
    return layout


def _check_known(layout: Layout) -> None:
    model = layout.model
    for folder in (WEIGHTS, CONSTANTS):
        if f"{folder}{model}.pt" in layout.entries:
            raise Refused(f"holds its tensors as a pickle, as torch 2.8 did; {_EXPORT_AGAIN}")
        if layout.config(folder) not in layout.entries:
            raise Refused(f"lacks {layout.config(folder)!r}; {_EXPORT_AGAIN}")
    wanted = {layout.program, layout.config(WEIGHTS), layout.config(CONSTANTS)}
    wanted |= {"archive_format", "archive_version", "byteorder"}
    for name in layout.entries:
        stem = name.removeprefix(WEIGHTS).removeprefix(CONSTANTS)
        if name not in wanted and not name.startswith(_LEFT_OUT) and (stem == name or "/" in stem):
            raise Refused(f"holds {ascii(name)[:80]}, which is not known here; {_EXPORT_AGAIN}")
