"""A PostgreSQL server of this checkout: made on first use, started and stopped with the stack."""

import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.stack import postgres_programs
from dev.stack.ports import LOOPBACK, is_listening, require_free
from dev.stack.processes import Account, Program, StartFailedError, Supervisor

NAME = "postgres"
SUPERUSER = "postgres"
START_WITHIN_S = 60
SOCKET_PATH_MAX = 90  # the kernel allows 107 bytes, of which the file name takes its share

# What every stack runs with. Durability is as in production; the rest fits a laptop with all services on it.
CONFIGURATION: Mapping[str, str] = {
    "listen_addresses": f"'{LOOPBACK}'",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "huge_pages": "off",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",  # short statements: compiling them costs more than they do
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "wal_compression": "off",  # this build knows only pglz, which took a quarter of an import's processor time
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "max_wal_senders": "0",
    "autovacuum_naptime": "20s",  # outbox and inbox turn over quickly
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "log_min_duration_statement": "1000",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class PostgresServer:
    """`directory` holds the data, the superuser's password and the socket; `port` is TCP on loopback."""

    directory: Path
    port: int
    supervisor: Supervisor
    say: Callable[[str], None]
    configuration: Mapping[str, str]

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def socket_directory(self) -> Path | None:
        """For psql and the like; None where the path would be too long for a socket. Services use TCP."""
        inside = self.directory / "socket"
        return inside if len(str(inside)) <= SOCKET_PATH_MAX else None

    @property
    def superuser_dsn(self) -> str:
        return self.dsn(user=SUPERUSER, password=self._superuser_password(), database="postgres")

    def dsn(self, *, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Make the data directory when there is none, and start unless it runs already.

        :raises StartFailedError: with the end of the server's log.
        """
        if self.supervisor.find(NAME):
            return
        require_free(NAME, self.port)
        programs = postgres_programs.find_programs()
        account = postgres_programs.unprivileged_account()
        self._prepare_directories(account, programs=programs.directory)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(programs.path("initdb"), account)
        self._write_configuration()
        self.supervisor.start(self._program(programs.path("postgres"), account))
        self.supervisor.wait_until(self._is_ready, name=NAME, within_s=START_WITHIN_S)

    def stop(self) -> None:
        self.supervisor.stop(NAME)

    def _program(self, executable: str, account: Account | None) -> Program:
        return Program(
            name=NAME,
            command=(executable, "-D", str(self.data)),
            working_directory=self.directory,
            account=account,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: ends sessions, loses nothing
        )

    def _prepare_directories(self, account: Account | None, *, programs: Path) -> None:
        own = [self.data, *([self.socket_directory] if self.socket_directory else [])]
        for directory in own:
            directory.mkdir(parents=True, exist_ok=True)
        if account is None:
            self.data.chmod(0o700)
            return
        opened = postgres_programs.let_others_reach(self.data) + postgres_programs.let_others_reach(
            programs / "postgres"
        )
        for directory in opened:
            self.say(f"postgres: let other accounts pass through {directory}, because the server may not run as root")
        postgres_programs.let_others_read(programs.parent)
        for directory in own:
            shutil.chown(directory, account.user_id, account.group_id)
        self.data.chmod(0o700)

    def _initialise(self, initdb: str, account: Account | None) -> None:
        self.say("postgres: making the data directory")
        password_file = self.directory / "superuser.password"
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
        if account:
            shutil.chown(password_file, account.user_id, account.group_id)
        answer = subprocess.run(
            [
                initdb, f"--pgdata={self.data}", f"--username={SUPERUSER}", f"--pwfile={password_file}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums",
            ],
            capture_output=True,
            text=True,
            check=False,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
            cwd=self.directory,
        )  # fmt: skip
        if answer.returncode != 0:
            raise StartFailedError(f"initdb failed:\n{answer.stdout}{answer.stderr}")
        with (self.data / "postgresql.conf").open("a") as main_file:
            main_file.write("\ninclude '../stack.conf'\n")

    def _write_configuration(self) -> None:
        """Written at each start, so that a moved port or a changed setting takes effect."""
        settings = {
            **CONFIGURATION,
            **self.configuration,
            "port": str(self.port),
            "unix_socket_directories": f"'{self.socket_directory or ''}'",
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        (self.directory / "stack.conf").write_text("\n".join(lines) + "\n")
        (self.directory / "stack.conf").chmod(0o644)

    def _is_ready(self) -> bool:
        """The last line of postmaster.pid says `ready` once connections are taken."""
        state = self.data / "postmaster.pid"
        lines = state.read_text().split() if state.exists() else []
        return bool(lines) and lines[-1] == "ready" and is_listening(self.port)

    def _superuser_password(self) -> str:
        return (self.directory / "superuser.password").read_text()
