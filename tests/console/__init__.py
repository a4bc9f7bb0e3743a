"""The console: a report that can be read, in a terminal and in a pipe."""
