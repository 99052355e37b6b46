from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cli.errors import CommandError, ExitCode
from cli.importer.chunk import Chunk


def read_parquet(path: Path, rows_per_chunk: int) -> Iterator[Chunk]:
    """The rows of a Parquet file with its types; a structure becomes columns `name.key`. There is always a chunk, an
    empty one where there are no rows.

    Raises:
        CommandError: it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            begin = 1
            for batch in file.iter_batches(batch_size=rows_per_chunk):
                yield Chunk(_frame(pa.Table.from_batches([batch])), range(begin, begin + batch.num_rows))
                begin += batch.num_rows
            if begin == 1:
                yield Chunk(_frame(file.schema_arrow.empty_table()), range(0))
    except (pa.ArrowException, OSError) as error:
        raise CommandError(
            f"{path} is no Parquet file that can be read ({error}); write it again", ExitCode.USAGE
        ) from error


def parquet_rows(path: Path) -> int:
    """How many rows a Parquet file has."""
    return int(pq.read_metadata(path).num_rows)


def _frame(table: pa.Table) -> pd.DataFrame:
    columns = {}
    flat = table.flatten()
    for name, column in zip(flat.column_names, flat.columns, strict=True):
        columns[name] = _series(column)
    return pd.DataFrame(columns, index=range(table.num_rows))


def _series(column: pa.ChunkedArray) -> pd.Series:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        # Written by programs that do not say that it is text.
        column = column.cast(pa.string())
    if pa.types.is_null(kind):
        return pd.Series([None] * len(column), dtype="str")
    # Integers with gaps stay integers: 2^53 + 1 is an id, and no float.
    series: pd.Series = column.to_pandas(integer_object_nulls=True, date_as_object=False, strings_to_categorical=False)
    return series.mask(series == "") if series.dtype == "str" else series
