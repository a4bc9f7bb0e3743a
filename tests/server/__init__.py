"""Promises of the HTTP API."""
