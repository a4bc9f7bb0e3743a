"""What a journal adds up to, counted on look by look."""
