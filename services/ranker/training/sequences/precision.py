from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")
_HARDWARE: Final = frozenset({"amx_bf16", "avx512_bf16"})


def fast_precision(cpuinfo: Path = _CPUINFO) -> str:
    """Returns the type that large products are computed in: bfloat16 where the processor multiplies it by itself.

    It is several times faster there, and slower than float32 elsewhere. Weights and gradients stay float32.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return "float32"
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return "float32" if _HARDWARE.isdisjoint(flags) else "bfloat16"
