import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.errors import CommandError, ExitCode
from cli.importer.chunk import Chunk
from cli.importer.detect import FileForm, Format, detect
from cli.importer.read_csv import read_csv
from cli.importer.read_json_lines import read_json_lines
from cli.importer.read_parquet import read_parquet


@dataclass(frozen=True, slots=True)
class Source:
    """A file that rows come from.

    Args:
        path: the file.
        form: how it is to be read.
    """

    path: Path
    form: FileForm

    @staticmethod
    def of(path: Path, encoding: str = "") -> "Source":
        """The source that a file is.

        Raises:
            CommandError: it is none.
        """
        return Source(path, detect(path, encoding))

    def chunks(self, rows_per_chunk: int) -> Iterator[Chunk]:
        """Its rows in order, from the beginning at every call; at least one chunk.

        Raises:
            CommandError: the file is damaged.
        """
        try:
            match self.form.format:
                case Format.CSV:
                    yield from read_csv(self.path, self.form, rows_per_chunk)
                case Format.JSON_LINES:
                    yield from read_json_lines(self.path, self.form, rows_per_chunk)
                case Format.PARQUET:
                    yield from read_parquet(self.path, rows_per_chunk)
        except (EOFError, zlib.error, OSError) as error:
            raise CommandError(f"{self.path} is damaged or cut off ({error}); copy it again", ExitCode.USAGE) from error
