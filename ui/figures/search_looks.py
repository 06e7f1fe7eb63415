"""The colours of agents and of what they are measured against."""

from __future__ import annotations

from qcore.agents.config import AgentName
from ui.theme import LIGHT, Palette

# Of Okabe and Ito's, told apart with every kind of colour blindness; lines are named besides.
_LIGHT: dict[AgentName, str] = {"releq": "#0072B2", "haq": "#007a5a", "autoq": "#a3357a"}
_DARK: dict[AgentName, str] = {"releq": "#56B4E9", "haq": "#2fbf95", "autoq": "#e08cc4"}


def agent_color(agent: AgentName, palette: Palette) -> str:
    """Random search is grey: it is what the others are to beat."""
    colors = _LIGHT if palette is LIGHT else _DARK
    return colors.get(agent, palette.muted)


def faint(color: str, part: float) -> str:
    """A colour that lets others through. Example: #0072B2, 0.2 -> rgba(0,114,178,0.2)."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{part})"
