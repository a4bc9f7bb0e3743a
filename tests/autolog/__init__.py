"""`autolog()`: everything recorded once, nothing attached, and all undone."""
