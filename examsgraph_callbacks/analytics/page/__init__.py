"""An overview as one self-contained page, which needs no network."""

from examsgraph_callbacks.analytics.page.document import overview_page

__all__ = ["overview_page"]
