"""Promises of the tracker."""
