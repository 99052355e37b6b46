"""What `--help` says: every variable with its type, default and meaning."""

import textwrap
from typing import get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from services.common.settings import SHARED_PREFIX, ServiceSettings


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
    """Returns one line per variable that is wrong: its name, what is wrong, what it is for. Secrets are not shown."""
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
    kind = field.annotation
    if kind is SecretStr:
        return "secret"
    if isinstance(kind, type) and not get_args(kind):
        return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
            kind.__name__, kind.__name__.lower()
        )
    choices = [str(choice) for choice in get_args(kind) if choice is not type(None)]
    return " | ".join(choices) if choices and not any("class" in choice for choice in choices) else str(kind)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ", required"
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = str(default)  # a secret prints as stars, an empty one as nothing
    return f", default {shown}" if shown else ", default empty"
