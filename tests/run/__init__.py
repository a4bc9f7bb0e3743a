"""`examsgraph run`: an unchanged application, recorded, that behaves as if it were not."""
