import json
import subprocess
import sys

PROGRAM = """
import json, resource, sys
import services.ranker.app
heavy = [name for name in ("tensorflow", "tensorflow.python", "keras", "pandas", "sklearn") if name in sys.modules]
print(json.dumps({"heavy": heavy, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def test_the_ranker_never_imports_tensorflow() -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    told = json.loads(output)
    assert told["heavy"] == []
    assert told["megabytes"] < 150
