"""Reads prompts from MLflow's registry, for an experiment to hand out."""

from collections.abc import Mapping

from examsgraph_callbacks.deliver.answers import first_line
from examsgraph_callbacks.deliver.destination import open_destination
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["registered_prompts"]


def registered_prompts(addresses: Mapping[str, str], tracking_uri: str) -> dict[str, str]:
    """The texts by the names of the variants, each at an address such as `prompts:/tutor/3` or
    `prompts:/tutor@strict`; MLflow's `{{variables}}` become `{variables}`, as LangChain and LlamaIndex have
    them.

    Raises `InvalidInputError` where there is no such prompt or it is no text, and `DeliveryError` where
    MLflow cannot be reached.
    """  # noqa: D205
    with open_destination(tracking_uri) as destination:
        from mlflow.exceptions import MlflowException

        texts: dict[str, str] = {}
        for variant, address in addresses.items():
            try:
                version = destination.client.load_prompt(address, cache_ttl_seconds=0)
            except (MlflowException, ValueError) as error:
                raise InvalidInputError(
                    f"expected a prompt at {address} for {variant!r}, got none: {first_line(error)}",
                ) from error
            template = None if version is None else version.to_single_brace_format()
            if not isinstance(template, str):
                raise InvalidInputError(
                    f"expected a text at {address} for {variant!r}, got {type(template).__name__}: a system "
                    "prompt is one text",
                )
            texts[variant] = template
        return texts
