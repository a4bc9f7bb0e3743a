# The HTTP API and the shipper (target app), and MLflow on PostgreSQL (target mlflow): one environment, two users.
FROM python:3.12.12-slim-bookworm AS built
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY deploy/constraints.txt deploy/constraints.txt
COPY examsgraph_callbacks examsgraph_callbacks
RUN pip install --constraint deploy/constraints.txt ".[server,alerts,apprise,postgres,lake,experiments]"

FROM python:3.12.12-slim-bookworm AS base
COPY --from=built /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 HOME=/tmp
RUN groupadd --system --gid 10001 examsgraph \
    && useradd --system --uid 10001 --gid examsgraph --home-dir /tmp --no-create-home examsgraph

FROM base AS mlflow
# volumes take over whose their folder is
RUN install -d -o examsgraph -g examsgraph -m 0750 /mlflow
WORKDIR /tmp
USER 10001:10001
EXPOSE 5000
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--artifacts-destination", "/mlflow"]

FROM base AS app
RUN install -d -o examsgraph -g examsgraph -m 0770 /journal
ENV EXAMSGRAPH_JOURNAL=/journal EXAMSGRAPH_SHIP=off
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
CMD ["examsgraph", "serve", "--host", "0.0.0.0", "--port", "8000"]
