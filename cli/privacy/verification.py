from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.engine import URL

from cli.privacy.file_search import search_files
from cli.privacy.marks import Marks, Trace
from cli.privacy.store_search import search_store
from services.common.database import Database, create_engine
from services.events.settings import EventsSettings
from services.events.storage import tables as events_tables
from services.features.settings import FeaturesSettings
from services.features.store import tables as features_tables
from services.ranker.training.examples.training_set import stored_training_set
from vitrine.common.v1.visitor_pb2 import Visitor


def traces_of(visitor: Visitor, state_directory: Path, looking_at: Callable[[str], None]) -> Iterator[Trace]:
    """Yields all that is found of a visitor with one id: in the stores, as the services' settings name them, and in
    every file of the shop's folder. Nothing is changed, and no service need run. `looking_at` is told each place.
    """
    marks = Marks(visitor)
    events, features = (
        EventsSettings(state_directory=state_directory),
        FeaturesSettings(state_directory=state_directory),
    )
    for name, url, metadata in (
        ("event", events.url(), events_tables.metadata),
        ("feature", features.url(), features_tables.METADATA),
    ):
        looking_at(f"the {name} store")
        yield from _in_store(name, url, metadata, marks)
    looking_at("the training set")
    examples = stored_training_set(state_directory)
    if examples and (count := examples.count([marks.key])):
        yield Trace("training set: examples", count)
    looking_at(str(state_directory))
    yield from search_files(state_directory, marks)


def _in_store(name: str, url: URL, metadata: MetaData, marks: Marks) -> Iterator[Trace]:
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return  # nothing was ever stored, and looking is not to make a store
    database = Database(create_engine(url))
    try:
        yield from search_store(name, database, metadata, marks)
    finally:
        database.dispose()
