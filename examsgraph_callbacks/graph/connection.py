"""A Neo4j driver for our own commands; an application brings the driver that it has."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import GraphUnavailableError

if TYPE_CHECKING:
    from neo4j import Driver

__all__ = ["connect"]


def connect(uri: str, username: str = "neo4j", password: str | None = None) -> "Driver":
    """A driver for the server at `uri`, to be closed by the caller; without a password, without auth.

    Asks the server nothing yet. Raises `GraphUnavailableError` where `uri` is none.
    """
    from neo4j import GraphDatabase
    from neo4j.exceptions import ConfigurationError

    try:
        return GraphDatabase.driver(
            uri,
            auth=(username, password) if password else None,
            connection_timeout=5,
            # else a server that is down is asked again for half a minute
            max_transaction_retry_time=2,
        )
    except (ConfigurationError, ValueError) as error:
        raise GraphUnavailableError(
            f"expected a URI such as neo4j://localhost:7687, got {uri!r}: {error}",
        ) from error
