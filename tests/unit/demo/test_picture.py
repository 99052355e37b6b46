import xml.etree.ElementTree as ET
from pathlib import Path

from rich.text import Text

from demo.picture import write_picture


def test_a_picture_is_svg_with_the_page_as_text_and_loads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "images" / "page.svg"
    write_picture(file, Text("Crème [brûlée] & <co>"), title="A page")
    drawn = "".join(ET.parse(file).getroot().itertext()).replace("\u00a0", " ")  # our own file
    assert "Crème [brûlée] & <co>" in drawn
    assert "url(http" not in file.read_text(encoding="utf-8")
