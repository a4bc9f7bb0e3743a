"""A request is recorded without what a framework sends along."""

from examsgraph_callbacks.capture import recorded_request


def test_parameters_are_those_that_are_named_and_were_given() -> None:
    request = recorded_request(
        [{"role": "user", "content": "정규화란?"}],
        {"temperature": 0.0, "max_tokens": None, "api_key": "secret", "extra_headers": {"a": "secret"}},
    )
    assert request == {
        "messages": [{"role": "user", "content": "정규화란?"}],
        "parameters": {"temperature": 0.0},
    }


def test_tools_are_recorded_under_either_of_their_names() -> None:
    tool = {"name": "look_up", "parameters": {}}
    assert recorded_request([], {"tools": [tool]})["tools"] == [tool]
    assert recorded_request([], {"functions": [tool]})["tools"] == [tool]
