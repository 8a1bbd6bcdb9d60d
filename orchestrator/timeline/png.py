"""The picture as PNG, for places that show no SVG. Needs Pillow: ``pip install "triptych[plots]"``."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.errors import InvalidInput
from orchestrator.timeline.drawing import LIGHT, Box, Diamond, Drawing, Shape, Stroke, Words, drawing
from orchestrator.timeline.model import Timeline

if TYPE_CHECKING:
    from PIL import ImageDraw

_SCALE = 2
"""Pixels per px in the file: sharp on dense screens."""
_OVERSAMPLING = 2
"""Pillow does not smooth shapes; drawing them larger and shrinking does."""
_DASH = (4, 4)
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def png(line: Timeline) -> bytes:
    """Draw a time line as PNG, on white, at two pixels per px. Raises ``InvalidInput`` without Pillow."""
    return render(drawing(line))


def render(picture: Drawing) -> bytes:
    """Paint a drawing."""
    try:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - an extra; everything else works without it
    except ImportError:
        raise InvalidInput(
            "--png", 'needs Pillow; run: pip install "triptych[plots]", or use --svg'
        ) from None
    factor = _SCALE * _OVERSAMPLING
    image = Image.new("RGB", (int(picture.width * factor), int(picture.height * factor)), LIGHT["paper"])
    pen = ImageDraw.Draw(image)
    for shape in picture.shapes:
        _paint(pen, shape, factor)
    image = image.resize(
        (int(picture.width * _SCALE), int(picture.height * _SCALE)), Image.Resampling.LANCZOS
    )
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _paint(pen: ImageDraw.ImageDraw, shape: Shape, factor: int) -> None:
    match shape:
        case Box(x, y, width, height):
            corner = ((x + width) * factor - 1, (y + height) * factor - 1)
            if width * factor >= 1:
                radius = min(shape.radius, width / 2, height / 2) * factor
                pen.rounded_rectangle((x * factor, y * factor, *corner), radius, fill=LIGHT[shape.fill])
        case Stroke(points):
            for start, end in pairwise(points):
                for piece in _dashes(start, end) if shape.dashed else [(start, end)]:
                    line = [(x * factor, y * factor) for x, y in piece]
                    pen.line(line, fill=LIGHT[shape.colour], width=round(shape.width * factor), joint="curve")
        case Diamond(x, y, size):
            tips = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
            pen.polygon([(px * factor, py * factor) for px, py in tips], fill=LIGHT[shape.fill])
        case Words():
            _write(pen, shape, factor)


def _write(pen: ImageDraw.ImageDraw, words: Words, factor: int) -> None:
    from PIL import ImageFont  # noqa: PLC0415 - see render

    pen.text(
        (words.x * factor, words.y * factor),
        words.text,
        fill=LIGHT[words.colour],
        font=ImageFont.load_default(words.size * factor),
        anchor=_ANCHORS[words.anchor],
        # Pillow's own font has one weight; a thin outline makes it bold.
        stroke_width=0.4 * factor * words.size / 14 if words.bold else 0,
        stroke_fill=LIGHT[words.colour],
    )


def _dashes(
    start: tuple[float, float], end: tuple[float, float]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Cut a line into dashes; the drawings' dashed lines are a few hundred px at most."""
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    on, off = _DASH

    def at(distance: float) -> tuple[float, float]:
        share = min(1.0, distance / length) if length else 1.0
        return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share

    return [(at(begin), at(begin + on)) for begin in range(0, int(length), on + off)]
