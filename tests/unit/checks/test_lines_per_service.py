from pathlib import Path

from scripts.lines_per_service import table


def test_services_stand_apart_other_folders_are_one_part_each() -> None:
    lengths = {
        Path("services/events/app.py"): 30,
        Path("services/events/log/store.py"): 50,
        Path("services/ranker/app.py"): 20,
        Path("cli/main.py"): 10,
    }

    rows = [line.split() for line in table(lengths)][1:]

    assert rows == [
        ["cli", "1", "10", "cli/main.py", "(10)"],
        ["services/events", "2", "80", "services/events/log/store.py", "(50)"],
        ["services/ranker", "1", "20", "services/ranker/app.py", "(20)"],
        ["all", "4", "110", "services/events/log/store.py", "(50)"],
    ]
