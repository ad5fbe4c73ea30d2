"""The icon of a page that follows a recall: how far it is, seen on its tab."""

from urllib.parse import quote

_AROUND = 75.4  # of a circle with a radius of 12
_COLOURS = {"running": "#1f5fa8", "paused": "#b36b00"}
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="16" fill="#fff"/>'
    '<g fill="none" stroke-width="5"><circle cx="16" cy="16" r="12" stroke="#d5dae1"/>'
    '<circle cx="16" cy="16" r="12" stroke="{colour}" stroke-dasharray="{done:.1f} 99" transform="rotate(-90 16 16)"/>'
    '</g><text x="16" y="20.5" font-family="sans-serif" font-weight="700" font-size="{size}" text-anchor="middle" '
    'fill="{colour}">{percent}</text></svg>'
)


def progress_icon(percent: int, status: str) -> str | None:
    """Return the address of an icon that shows a percentage; None for a recall that does not go on."""
    colour = _COLOURS.get(status)
    if colour is None:
        return None
    icon = _ICON.format(colour=colour, done=_AROUND * percent / 100, percent=percent, size=13 if percent < 100 else 10)
    return f"data:image/svg+xml,{quote(icon)}"
