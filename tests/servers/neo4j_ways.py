"""The ways by which tests come to a graph database: a named one, Docker, Maven, ArcadeDB."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from neo4j import Driver, GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from tests.servers.server_process import (
    NotAvailableError,
    free_port,
    java_flags,
    running_process,
    temporary_folder,
)

DOCKER_IMAGE = "neo4j:5.26"
POM = Path(__file__).with_name("pom.xml")
START_SECONDS = 120.0
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Release:
    """A Neo4j that Maven has: its jars, its main class, and the versions of Java that it runs on."""

    pom: Path
    main: str
    javas: tuple[int, ...]


LONG_TERM = Release(POM, "org.neo4j.server.CommunityEntryPoint", (17, 21))
LATEST = Release(POM.with_name("pom-2026.xml"), "org.neo4j.server.Neo4jCommunity", (21, 25))


@dataclass(frozen=True)
class Neo4jServer:
    """A graph database that answers Bolt, and how to log in to it."""

    uri: str
    username: str
    password: str = field(repr=False)
    product: Literal["neo4j", "arcadedb"]
    version: str
    source: str
    sql_uri: str | None = None  # ArcadeDB only: where it takes SQL, over HTTP


def _driver(uri: str, username: str, password: str) -> Driver:
    # Without the driver's own retries: wait_for tries again, and sees if the server ended.
    return GraphDatabase.driver(
        uri, auth=(username, password), connection_timeout=5.0, max_transaction_retry_time=0.0
    )


def _ask(uri: str, username: str, password: str) -> tuple[Literal["neo4j", "arcadedb"], str]:
    """Return the product and version of a server once it answers queries."""
    with _driver(uri, username, password) as driver:
        driver.verify_connectivity()
        driver.execute_query("RETURN 1")
        agent = driver.get_server_info().agent
    # Look-alikes call themselves "Neo4j/5.26.0 compatible (...)", and repeat that number where
    # Neo4j's own procedures give the version: only the agent tells them apart.
    if real := re.fullmatch(r"Neo4j/(\d\S*)", agent):
        return "neo4j", real[1]
    if arcade := re.search(r"ArcadeDB (\d[^\s)]*)", agent):
        return "arcadedb", arcade[1]
    raise NotAvailableError(f"expected Neo4j or ArcadeDB at {uri}, got {agent!r}; use one of these")


def wait_for(ask: Callable[[], Answer], ended: Callable[[], bool], log: Callable[[], str]) -> Answer:
    """Return what `ask` answers once the server is ready; stop waiting if the server ended."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        is_last = ended() or time.monotonic() > deadline
        try:
            return ask()
        except (DriverError, Neo4jError) as error:
            if is_last:
                state = "ended" if ended() else f"gave no answer in {START_SECONDS:.0f} s"
                tail = "\n".join(log().splitlines()[-25:])
                raise NotAvailableError(
                    f"expected a server that answers Bolt, but it {state} ({error}); "
                    f"put right what the end of its log says:\n{tail}"
                ) from error
        time.sleep(0.1)


@contextmanager
def _named_server() -> Iterator[Neo4jServer]:
    uri = os.environ.get("NEO4J_URI")
    if not uri:
        raise NotAvailableError("it is not set")
    username = os.environ.get("NEO4J_USERNAME", "neo4j")
    password = os.environ.get("NEO4J_PASSWORD", "")
    try:
        answer = _ask(uri, username, password)
    except (DriverError, Neo4jError, NotAvailableError) as error:
        # Someone named this server, so no other will do.
        raise ConnectionError(
            f"expected a server at NEO4J_URI={uri}, got {error}; start it, correct "
            "NEO4J_USERNAME and NEO4J_PASSWORD, or unset NEO4J_URI"
        ) from error
    yield Neo4jServer(uri, username, password, *answer, source="NEO4J_URI")


@contextmanager
def _docker_server() -> Iterator[Neo4jServer]:
    try:
        containers = importlib.import_module("testcontainers.core.container")
        clients = importlib.import_module("testcontainers.core.docker_client")
    except ImportError as error:
        raise NotAvailableError(f"{error}; pip install testcontainers") from error
    host = clients.get_docker_host() or "unix:///var/run/docker.sock"
    if host.startswith("unix://"):  # asked here, as Docker's library leaves a socket open
        with socket.socket(socket.AF_UNIX) as engine:
            try:
                engine.connect(host.removeprefix("unix://"))
            except OSError as error:
                raise NotAvailableError(f"{error} at {host}; start a Docker engine") from error
    password = secrets.token_hex(8)
    with ExitStack() as stack:
        try:  # the errors are of many kinds: Docker's, those of its HTTP library, the system's
            container = containers.DockerContainer(DOCKER_IMAGE)
            container.with_env("NEO4J_AUTH", f"neo4j/{password}")
            container.ports["7687/tcp"] = ("127.0.0.1", None)
            stack.callback(container.stop)
            container.start()
            uri = f"bolt://{container.get_container_host_ip()}:{container.get_exposed_port(7687)}"
        except Exception as error:
            raise NotAvailableError(f"{error!r}; see to the engine at {host}") from error

        def ended() -> bool:
            wrapped = container.get_wrapped_container()
            wrapped.reload()
            return bool(wrapped.status == "exited")

        def log() -> str:
            return b"".join(container.get_logs()).decode(errors="replace")

        answer = wait_for(lambda: _ask(uri, "neo4j", password), ended, log)
        yield Neo4jServer(uri, "neo4j", password, *answer, source=f"Docker, {DOCKER_IMAGE}")


def _java(versions: tuple[int, ...]) -> tuple[str, int]:
    homes = [os.environ.get("JAVA_HOME"), *sorted(map(str, Path("/usr/lib/jvm").glob("*")))]
    found = [shutil.which("java"), *(f"{home}/bin/java" for home in homes if home)]
    seen: list[str] = []
    for java in found:
        if java and os.access(java, os.X_OK):
            told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
            if version := re.search(r'version "(\d+)', told.stderr):
                if int(version[1]) in versions:
                    return java, int(version[1])
                seen.append(version[1])
    wanted = " or ".join(map(str, versions))
    raise NotAvailableError(f"expected Java {wanted}, got {seen or 'none'}; install one")


def _jars(pom: Path) -> Path:
    """Return the folder of Neo4j's jars, fetched by Maven the first time."""
    named = os.environ.get("EXAMSGRAPH_TEST_CACHE")
    cache = Path(named) if named else Path.home() / ".cache" / "examsgraph-tests"
    jars = cache / f"neo4j-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise NotAvailableError(f"no jars in {jars} and no mvn to fetch them; install Maven")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        shutil.copy(pom, Path(folder) / "pom.xml")
        command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotAvailableError(f"mvn could not fetch the jars:\n{done.stdout[-2000:]}")
        try:  # renamed only when complete, so that a broken download is never taken for jars
            (Path(folder) / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():  # else another run was quicker
                raise
    return jars


class MavenNeo4j:
    """A Neo4j in a process of its own, in `home`, which can be killed and started again."""

    def __init__(self, release: Release, home: Path, *, flags: list[str], page_cache: str) -> None:
        java, self._java_version = _java(release.javas)
        jars = _jars(release.pom)
        self._home, self._port, self._password = home, free_port(), secrets.token_hex(8)
        self._uri = f"bolt://127.0.0.1:{self._port}"
        settings = (
            f"server.bolt.listen_address=127.0.0.1:{self._port}",
            "server.http.enabled=false",
            "server.https.enabled=false",
            f"server.memory.pagecache.size={page_cache}",
            "db.tx_log.preallocate=false",  # else an empty server takes half a gigabyte
            "dbms.usage_report.enabled=false",
        )
        (home / "neo4j.conf").write_text("\n".join(settings) + "\n", encoding="utf-8")
        folders = [f"--home-dir={home}", f"--config-dir={home}"]
        self._command = [java, *flags, "-cp", f"{jars}/*", release.main, *folders]
        self._command.append("--console-mode")  # else its log tells nothing
        self._process = ExitStack()
        self._has_password = False

    def start(self) -> Neo4jServer:
        """Start it, with whatever its last process left in `home`; return it once it answers."""
        ended, log = self._process.enter_context(running_process(self._command, self._home))
        if not self._has_password:
            wait_for(lambda: _set_first_password(self._uri, self._password), ended, log)
            self._has_password = True
        answer = wait_for(lambda: _ask(self._uri, "neo4j", self._password), ended, log)
        source = f"Maven jars, Java {self._java_version}"
        return Neo4jServer(self._uri, "neo4j", self._password, *answer, source=source)

    def kill(self) -> None:
        """End its process without a warning."""
        self._process.close()


@contextmanager
def maven_neo4j(
    release: Release = LONG_TERM,
    *,
    flags: Callable[[Path], list[str]] = java_flags,
    page_cache: str = "64m",
) -> Iterator[MavenNeo4j]:
    """Yield a Neo4j that is not started yet, and kill it on leaving."""
    with temporary_folder() as folder:
        neo4j = MavenNeo4j(release, Path(folder), flags=flags(Path(folder)), page_cache=page_cache)
        try:
            yield neo4j
        finally:
            neo4j.kill()


@contextmanager
def maven_server(release: Release = LONG_TERM) -> Iterator[Neo4jServer]:
    """Yield a Neo4j of that release."""
    with maven_neo4j(release) as neo4j:
        yield neo4j.start()


def _set_first_password(uri: str, password: str) -> None:
    with _driver(uri, "neo4j", "neo4j") as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password",
            password=password,
            database_="system",
        )


@contextmanager
def _arcadedb_server() -> Iterator[Neo4jServer]:
    # Found, not imported: its Java is to run in a process of its own, which can be killed.
    found = importlib.util.find_spec("arcadedb_embedded")
    if found is None or found.origin is None:
        raise NotAvailableError("no arcadedb_embedded; pip install arcadedb-embedded")
    package = Path(found.origin).parent
    bolt_port, http_port, password = free_port(), free_port(), secrets.token_hex(8)
    uri = f"bolt://127.0.0.1:{bolt_port}"
    with temporary_folder() as folder:
        home = Path(folder)
        settings = {
            "server.rootPath": home,
            "server.rootPassword": password,
            "server.defaultDatabases": "neo4j[root]",
            "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "server.httpIncomingHost": "127.0.0.1",
            "server.httpIncomingPort": http_port,
            "bolt.host": "127.0.0.1",
            "bolt.port": bolt_port,
            "bolt.defaultDatabase": "neo4j",
        }
        command = [
            str(package / "jre" / "bin" / "java"),
            *java_flags(home),
            "--add-modules=jdk.incubator.vector",
            *(f"-Darcadedb.{name}={value}" for name, value in settings.items()),
            *("-cp", f"{package}/jars/*", "com.arcadedb.server.ArcadeDBServer"),
        ]
        with running_process(command, home) as (ended, log):
            answer = wait_for(lambda: _ask(uri, "root", password), ended, log)
            sql_uri = f"http://127.0.0.1:{http_port}/api/v1/command/neo4j"
            source = "arcadedb-embedded from PyPI"
            yield Neo4jServer(uri, "root", password, *answer, source=source, sql_uri=sql_uri)


WAYS: dict[str, Callable[[], AbstractContextManager[Neo4jServer]]] = {
    "NEO4J_URI": _named_server,
    "docker": _docker_server,
    "maven": maven_server,
    "arcadedb": _arcadedb_server,
}
