from collections.abc import Sequence
from pathlib import Path

from cli.importer.from_elasticsearch.unfinished import remove_unfinished
from cli.privacy.file_search import search_files
from cli.privacy.marks import Marks
from vitrine.common.v1.visitor_pb2 import Visitor


def clean_imports(folder: Path, visitors: Sequence[Visitor]) -> tuple[list[Path], list[Path]]:
    """Removes what imports left in a folder and may name the visitors (of one id each): every copy of an index that was
    cut short, whoever is in it, since it may tell of who was merged into them; and the other files with their traces.

    Returns:
        The files that were removed, and those that a running import is at work on, which stay.
    """
    removed, in_use = remove_unfinished(folder)
    for visitor in visitors:
        for trace in search_files(folder, Marks(visitor)):
            path = Path(trace.place)
            if path not in in_use:
                path.unlink(missing_ok=True)
                removed.append(path)
    return removed, in_use
