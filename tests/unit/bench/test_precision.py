from pathlib import Path

import pytest

from bench.sequences.sequence_plan import fast_precision


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor: 0\nflags\t\t: fpu sse2 amx_bf16 amx_tile\n", "bfloat16"),
        ("flags : fpu avx512f avx512_bf16\n", "bfloat16"),
        ("flags : fpu avx2 avx512f\n", "float32"),
        ("Features : asimd bf16\n", "float32"),
        ("", "float32"),
    ],
)
def test_bfloat16_is_taken_where_the_processor_multiplies_it(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert fast_precision(tmp_path / "cpuinfo") == expected


def test_where_nothing_is_known_of_the_processor_it_is_float32(tmp_path: Path) -> None:
    assert fast_precision(tmp_path / "none") == "float32"
