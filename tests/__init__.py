"""The product, held to its promises."""
