import pytest

from cli import main


def failing_import(name: str) -> None:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_package_of_another_extra_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "app", lambda: failing_import("elasticsearch"))

    assert main.run() == 1
    assert "elasticsearch isn't installed: pip install 'vitrine[elastic]'" in capsys.readouterr().err


def test_a_module_of_our_own_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "app", lambda: failing_import("services.nowhere"))

    with pytest.raises(ModuleNotFoundError):
        main.run()
