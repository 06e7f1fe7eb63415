"""Text for people to copy: how a network of their own becomes a file that can be read here."""

from __future__ import annotations

# Two images and Dim.AUTO: the number of images stays free, which one image would fix to one.
EXPORT_RECIPE = """\
import torch
program = torch.export.export(model.cpu().eval(), (torch.zeros(2, 3, 224, 224),), \
dynamic_shapes=({0: torch.export.Dim.AUTO},))
torch.export.save(program, "model.pt2")
"""

# For messages of one line.
EXPORT_HINT = "export the network to a .pt2 file with the three lines shown in the README"
STATE_DICT_HINT = "save the state dict: torch.save(model.state_dict(), 'weights.pt')"
