"""The demonstration: a lesson, recorded by nothing but the handler, shipped and summed up."""
