from cli.importer.rows import Rows


class NewestKept:
    """Of the rows of a file that are about the same item or user keeps the one with the last `update_time`; of
    equally old ones the first.
    """

    def __init__(self) -> None:
        self._newest: dict[str, float] = {}

    def drop_older(self, keys: list[str], rows: Rows) -> int:
        """Leaves rows out for which a newer one is there, or came before.

        Args:
            keys: whom or what each row is about.
            rows: the rows.

        Returns:
            How many were left out.
        """
        places: dict[str, int] = {}
        dropped = 0
        for row, (time,) in list(rows.together("update_time")):
            key = keys[row]
            age = float("-inf") if time is None else time
            if key not in self._newest:
                self._newest[key] = age
            else:
                dropped += 1
                if age <= self._newest[key]:
                    rows.left_out.add(row)
                    continue
                self._newest[key] = age
                if key not in places:
                    # The older one has gone on with a chunk before; the services keep the newer.
                    dropped -= 1
                else:
                    rows.left_out.add(places[key])
            places[key] = row
        return dropped
