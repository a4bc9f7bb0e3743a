"""The questions: each one Ibis expression over the tables, the same for every engine."""
