"""The picture as SVG: self-contained, escaped, and readable on light and dark grounds."""

from __future__ import annotations

from html import escape

from orchestrator.timeline.drawing import (
    DARK,
    LIGHT,
    Box,
    Diamond,
    Drawing,
    Role,
    Shape,
    Stroke,
    Words,
    drawing,
)
from orchestrator.timeline.model import Timeline

_FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK KR', sans-serif"


def svg(line: Timeline) -> str:
    """Draw a time line as one SVG document."""
    return render(drawing(line))


def render(picture: Drawing) -> str:
    """Write a drawing as SVG; every text is escaped, nothing is loaded from anywhere."""
    size = f"{picture.width:g} {picture.height:g}"
    body = "\n".join(_shape(shape) for shape in picture.shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{picture.width:g}" '
        f'height="{picture.height:g}" role="img" aria-labelledby="title desc" font-family="{_FONT}">\n'
        f'<title id="title">{_text(picture.title)}</title>\n'
        f'<desc id="desc">{_text(picture.description)}</desc>\n'
        f"<style>\n{_colours(LIGHT)}\n"
        f"@media (prefers-color-scheme: dark) {{\n{_colours(DARK)}\n}}\n</style>\n"
        f'<rect class="paper" width="100%" height="100%" rx="8"/>\n{body}\n</svg>\n'
    )


def _colours(palette: dict[Role, str]) -> str:
    return "\n".join(f".{role} {{ fill: {c} }} .{role}-line {{ stroke: {c} }}" for role, c in palette.items())


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return (
                f'<rect class="{shape.fill}" x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" '
                f'height="{shape.height:g}" rx="{shape.radius:g}"/>'
            )
        case Stroke():
            points = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
            dash = ' stroke-dasharray="4 4"' if shape.dashed else ""
            return (
                f'<polyline class="{shape.colour}-line" points="{points}" fill="none" '
                f'stroke-width="{shape.width:g}"{dash}/>'
            )
        case Diamond(x, y, size):
            return (
                f'<path class="{shape.fill}" d="M{x:g} {y - size:g}L{x + size:g} {y:g}L{x:g} {y + size:g}'
                f'L{x - size:g} {y:g}Z"/>'
            )
        case Words():
            bold = ' font-weight="600"' if shape.bold else ""
            return (
                f'<text class="{shape.colour}" x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size}" '
                f'text-anchor="{shape.anchor}"{bold}>{_text(shape.text)}</text>'
            )


def _text(text: str) -> str:
    # XML 1.0 has no way to write most control characters, escaped or not.
    return escape("".join(ch if ch.isprintable() else "\ufffd" for ch in text))
