from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from cli.errors import CommandError, ExitCode
from cli.importer.from_elasticsearch.copy_index import copy_index
from cli.importer.from_elasticsearch.index_copy import IndexCopy
from cli.importer.importing import Shop, import_files
from cli.importer.options import ImportOptions
from cli.importer.summary import ImportSummary
from services.candidates.elastic.cluster import open_client
from services.candidates.elastic.elasticsearch_settings import ElasticsearchSettings
from services.common.progress import NoProgress, Progress

KINDS: Final = ("items", "users", "events")


async def import_indexes(
    shop: Shop,
    indexes: Sequence[str],
    settings: ElasticsearchSettings,
    *,
    files: Mapping[str, Sequence[Path]] | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Imports indexes of Elasticsearch: each is copied to this machine, and the copies are imported as files are. An
    import that was cut short, even by a kill, is run again as it was and goes on where it ended.

    Args:
        shop: where to.
        indexes: indexes, aliases or patterns; each of items, or "users=…" or "events=…".
        settings: where the cluster is and how to log in.
        files: files to import together with them, by kind.
        options: how rows are to be read.
        progress: where it says how far it is.

    Raises:
        CommandError: the cluster, an index, a file or an option is wrong, or somebody does not answer for long.
    """
    options, progress = options or ImportOptions(), progress or NoProgress()
    if not settings.elasticsearch_url:
        raise CommandError(
            f"where Elasticsearch is has not been said: set {settings.variable('elasticsearch_url')}", ExitCode.USAGE
        )
    folder = shop.state_directory / "imports"
    with ExitStack() as stack:
        copies = [
            (kind, stack.enter_context(IndexCopy(folder, index, (settings.elasticsearch_url, kind))))
            for kind, index in map(_kind_and_index, indexes)
        ]
        async with open_client(settings) as client:
            for _, copy in copies:
                await copy_index(client, copy, progress)
        paths = {
            kind: [*(files or {}).get(kind, ()), *(copy.path for of_kind, copy in copies if of_kind == kind)]
            for kind in KINDS
        }
        summary = await import_files(shop, **paths, options=options, progress=progress)
        if not options.dry_run:
            for kind, copy in copies:
                # What says something of people does not lie about: the rejects file has the values that are wrong.
                copy.finish(keep=summary.rejected > 0 and kind == "items")
    return summary


def _kind_and_index(said: str) -> tuple[str, str]:
    kind, equals, index = said.partition("=")
    kind, index = (kind, index) if equals and kind in KINDS else ("items", said)
    if not index.strip():
        raise CommandError(f"--from-elasticsearch {said}: say INDEX, or KIND=INDEX", ExitCode.USAGE)
    return kind, index.strip()
