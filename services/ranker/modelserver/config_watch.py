import asyncio

import structlog

from services.common.errors import VitrineError
from services.ranker.modelserver.config import check_paths, configs_of, parse_config
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.settings import ModelServerSettings

_log = structlog.get_logger(__name__)


class ConfigWatch:
    """Takes a ModelServerConfig file over when it has changed; until it can be taken over, what was said before holds.

    A label whose version is not loaded yet is such a change: it is tried again at the next look.
    """

    def __init__(self, settings: ModelServerSettings, manager: ModelManager) -> None:
        self._settings = settings
        self._file = settings.config_file
        self._manager = manager
        self._taken: str | None = None
        self._complaint = ""

    async def poll(self) -> None:
        """Looks at the file once."""
        text = await asyncio.to_thread(self._read)
        if text is None or text == self._taken:
            return
        try:
            configs = parse_config(text)
            check_paths(configs)
            await self._manager.configure(configs_of(self._settings, configs))
        except VitrineError as error:
            if str(error) != self._complaint:
                _log.warning("model_config_not_taken", file=str(self._file), error=str(error))
            self._complaint = str(error)
        else:
            self._taken, self._complaint = text, ""
            _log.info("model_config_taken", file=str(self._file))

    def _read(self) -> str | None:
        """Returns the file's text; None where it cannot be read: that is no wish to unload."""
        try:
            return self._file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
