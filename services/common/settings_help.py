"""The text of `--help`: every variable with its type, default and meaning."""

import textwrap
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from services.common.settings import SHARED_PREFIX, ServiceSettings

_WORDS: Final[dict[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}


def render_help(settings_cls: type[ServiceSettings], width: int = 80) -> str:
    """Returns the settings as text of at most `width` columns."""
    lines = ["Settings (environment variables):", ""]
    for name, field in settings_cls.model_fields.items():
        lines.append(f"  {settings_cls.variable(name)}  {_type(field)}{_default(field)}")
        if name in settings_cls.shared_fields:
            lines.append(f"  or {SHARED_PREFIX}{name.upper()}, for all services")
        lines += textwrap.wrap(field.description or "", width, initial_indent=" " * 6, subsequent_indent=" " * 6)
        lines.append("")
    return "\n".join(lines)


def render_faults(settings_cls: type[ServiceSettings], error: ValidationError) -> str:
    """Returns one line per invalid variable: its name, the error, what it's for. Secrets aren't shown."""
    lines = ["The settings are wrong; correct these environment variables:"]
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        field = settings_cls.model_fields.get(name)
        if field is None:
            lines.append(f"  {fault['msg']}")
            continue
        given = "" if field.annotation is SecretStr or fault["type"] == "missing" else f" is {fault['input']!r}:"
        lines.append(f"  {settings_cls.variable(name)}{given} {fault['msg']}. {field.description}")
        if name == "port" and str(fault["input"]).startswith("tcp://"):
            lines.append("    Kubernetes sets this variable for a service of that name; set enableServiceLinks: false.")
    lines.append("--help lists every setting.")
    return "\n".join(lines)


def _type(field: FieldInfo) -> str:
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)] or [field.annotation]
    return " | ".join(_WORDS.get(kind, str(kind)) for kind in kinds)  # what is not a type is a literal


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ", required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None:
        return ", default none"
    return f", default {str(default) or 'empty'}"  # a secret prints as stars
