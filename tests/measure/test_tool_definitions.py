"""Tool definitions as the model reads them."""

from typing import Any

import pytest

from examsgraph_callbacks.measure.tool_definitions import tool_definitions_text

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "concept": {"type": "string", "description": "개념의 이름"},
        "depth": {"type": "integer", "default": 3},
        "level": {"enum": ["쉬움", "보통"], "title": "Level"},
        "related": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "options": {"type": "object", "properties": {"strict": {"type": ["boolean", "null"]}}},
        "anything": {},
    },
    "required": ["concept"],
}

RENDERED = """\
namespace functions {

// Explain a concept.
type explain = (_: {
// 개념의 이름
concept: string,
depth?: number, // default: 3
// Level
level?: "쉬움" | "보통",
related?: string | null[],
options?: {
strict?: boolean | null,
},
anything?: any,
}) => any;

} // namespace functions"""


@pytest.mark.parametrize(
    "tool",
    [
        {
            "type": "function",
            "function": {
                "name": "explain",
                "description": "Explain a concept.",
                "parameters": PARAMETERS,
            },
        },
        {
            "type": "function",
            "name": "explain",
            "description": "Explain a concept.",
            "parameters": PARAMETERS,
        },
        {"name": "explain", "description": "Explain a concept.", "input_schema": PARAMETERS},
    ],
    ids=["chat", "responses", "anthropic"],
)
def test_every_providers_form_of_a_tool_is_the_same_typescript(tool: dict[str, Any]) -> None:
    assert tool_definitions_text([tool]) == RENDERED


def test_a_tool_without_parameters_takes_none() -> None:
    assert "type stop = () => any;" in tool_definitions_text([{"name": "stop"}])


@pytest.mark.parametrize("tools", [[], [{"type": "web_search"}], ["not a tool"], [None]])
def test_what_cannot_be_rendered_is_left_out(tools: list[Any]) -> None:
    assert tool_definitions_text(tools) == ""
