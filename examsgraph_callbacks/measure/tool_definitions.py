"""Tool definitions as the text that OpenAI's models read, so that its tokens can be counted.

OpenAI turns the JSON schemas of offered tools into TypeScript types. The form rendered here is that of
its openly published renderer (github.com/openai/harmony, `# Tools` section) and of
github.com/hmarr/openai-chat-tokens; other providers' forms are not public and are taken to be as long.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from pydantic import JsonValue

__all__ = ["tool_definitions_text"]

Schema = Mapping[str, JsonValue]


def tool_definitions_text(tools: Sequence[JsonValue]) -> str:
    """The definitions of `tools` as one TypeScript namespace, empty where none can be rendered.

    Takes OpenAI's chat form (`{"function": {"name", "description", "parameters"}}`), its flat Responses
    form and Anthropic's (`input_schema`). Tools that the provider runs itself (web search and the like)
    are left out: what they add to a prompt is not public.
    """
    lines = list(chain.from_iterable(_function(_unwrapped(tool)) for tool in tools))
    return "\n".join(["namespace functions {", "", *lines, "} // namespace functions"]) if lines else ""


def _unwrapped(tool: JsonValue) -> Schema:
    whole = _mapping(tool)
    return _mapping(whole.get("function")) or whole


def _function(function: Schema) -> Iterator[str]:
    if not function.get("name"):
        return
    parameters = _mapping(function.get("parameters") or function.get("input_schema"))
    yield from _comment(function.get("description"))
    if parameters.get("properties"):
        yield f"type {function['name']} = (_: {_object(parameters)}) => any;"
    else:
        yield f"type {function['name']} = () => any;"
    yield ""


def _property(name: str, schema: Schema, *, required: bool) -> Iterator[str]:
    yield from _comment(schema.get("title"))
    yield from _comment(schema.get("description"))
    default = f" // default: {_literal(schema['default'])}" if "default" in schema else ""
    yield f"{name}{'' if required else '?'}: {_type(schema)},{default}"


def _type(schema: Schema) -> str:  # noqa: PLR0911 - one return a form of schema reads best
    match schema:
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return " | ".join(_type(_mapping(choice)) for choice in choices)
        case {"enum": [*values]}:
            return " | ".join(map(_literal, values))
        case {"properties": dict()}:
            return _object(schema)
        case {"type": "array"}:
            return f"{_type(_mapping(schema.get('items')))}[]"
        case {"type": "integer"}:
            return "number"
        case {"type": str(name)}:
            return name
        case {"type": [*names]}:
            return " | ".join(map(str, names))
        case _:
            return "any"


def _object(schema: Schema) -> str:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    properties = _mapping(schema.get("properties")).items()
    lines = (_property(name, _mapping(inner), required=name in names) for name, inner in properties)
    return "\n".join(["{", *chain.from_iterable(lines), "}"])


def _comment(text: JsonValue) -> Iterator[str]:
    if isinstance(text, str) and text:
        yield from (f"// {line}" for line in text.splitlines())


def _literal(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _mapping(value: JsonValue) -> Schema:
    return value if isinstance(value, dict) else {}
