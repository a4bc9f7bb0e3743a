"""The version of the facts' schema, and which versions this package can read."""

from examsgraph_callbacks.errors import SchemaError

__all__ = ["SCHEMA_VERSION", "refuse_newer_schema"]

SCHEMA_VERSION = "1.3"
"""Major.minor. A newer minor version only adds fields or kinds; a newer major one is refused."""


def refuse_newer_schema(version: str) -> str:
    """The version itself where this package can read it; raises `SchemaError` for a newer major one."""
    major = version.split(".", 1)[0]
    known = SCHEMA_VERSION.split(".", 1)[0]
    if major.isdecimal() and int(major) > int(known):
        # not a ValueError, so that pydantic lets it through instead of calling the fact malformed
        raise SchemaError(
            f"expected facts of schema {known}.x, found schema {version}: "
            "upgrade with  pip install -U examsgraph-callbacks",
        )
    return version
