import json
import subprocess
import sys

PROGRAM = """
import json, pathlib, sys
import services.ranker.app
# Not getrusage: its peak is inherited from the process that forked.
peak = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
heavy = [name for name in ("tensorflow", "tensorflow.python", "keras", "pandas", "sklearn") if name in sys.modules]
print(json.dumps({"heavy": heavy, "megabytes": int(peak.split()[1]) / 1024}))
"""


def test_the_ranker_never_imports_tensorflow() -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    told = json.loads(output)
    assert told["heavy"] == []
    assert told["megabytes"] < 150
