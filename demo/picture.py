import io
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

from cli.rendering.page import WIDTH

# rich's own template loads its font from a server; a picture in a repository must not.
_SVG: Final = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def write_picture(file: Path, page: RenderableType, *, title: str) -> None:
    """Writes a page as it looks on a terminal to an SVG file; its folder is made."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(page)
    file.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(file), title=title, theme=MONOKAI, code_format=_SVG, unique_id="vitrine")
