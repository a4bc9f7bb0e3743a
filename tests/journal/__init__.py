"""The journal: written whole, read in order, never lost."""
