"""What runs the product: Prometheus, Grafana and the compose file, each held against its own tools."""
