"""Paths: the configuration in `config/`, which ops own, and `var/`, which the program owns."""

from __future__ import annotations

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def short_path(path: str) -> str:
    """A path as a person would type it: relative to the working directory, when it is below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


class Places:
    """Every path that the product uses, derived from the two folders that a site chooses."""

    def __init__(self, config: str | None = None, var: str | None = None) -> None:
        self.config = os.path.abspath(config or os.environ.get("IVR_CONFIG") or os.path.join(ROOT, "config"))
        self.var = os.path.abspath(var or os.environ.get("IVR_VAR") or os.path.join(ROOT, "var"))

    # what ops write
    @property
    def audio(self) -> str:
        """Recorded prompts, `<id>.alaw`: raw A-law at 8 kHz."""
        return os.path.join(self.config, "prompts")

    @property
    def templates(self) -> str:
        return os.path.join(self.config, "asterisk")

    # what the program writes
    @property
    def compiled(self) -> str:
        """The only configuration file that the call path reads."""
        return os.path.join(self.var, "compiled.json")

    @property
    def socket(self) -> str:
        """Where the engine listens for `agi_scripts`, beside the compiled configuration."""
        return os.path.join(self.var, "engine.sock")

    @property
    def engine_state(self) -> str:
        """Written by a running engine: its process id and its ports, as JSON."""
        return os.path.join(self.var, "engine.json")

    @property
    def facts(self) -> str:
        return os.path.join(self.var, "spool", "facts")

    @property
    def taken_facts(self) -> str:
        """Segments of facts that the registry has taken in, one folder for each day."""
        return os.path.join(self.var, "spool", "taken")

    @property
    def pending_accesses(self) -> str:
        """Accesses to personal data that wait for the database, to be taken into its log."""
        return os.path.join(self.var, "accesses", "pending.jsonl")

    @property
    def poison(self) -> str:
        """Files among the facts that could not be taken in, each with the reason beside it."""
        return os.path.join(self.var, "spool", "poison")

    @property
    def messages(self) -> str:
        """The message store: one folder per message."""
        return os.path.join(self.var, "messages")

    @property
    def native_messages(self) -> str:
        """Where Asterisk itself records messages while the engine is down."""
        return os.path.join(self.var, "spool", "native")

    @property
    def scripts(self) -> str:
        """The AGI scripts as Asterisk runs them: `agi_scripts/` with this machine's interpreter in their first line."""
        return os.path.join(self.var, "agi-bin")

    @property
    def blocked(self) -> str:
        """Addresses from which no password is accepted: `ivr guard` writes them, Asterisk reads them."""
        return os.path.join(self.var, "blocked.conf")

    @property
    def cache(self) -> str:
        """Downloaded files."""
        return os.path.join(self.var, "cache")

    @property
    def tree(self) -> str:
        """The unpacked Asterisk and SIPp."""
        return os.path.join(self.var, "switch", "tree")

    def switch(self, name: str = "main") -> str:
        """One running Asterisk: its etc/, log/, spool/, run/."""
        return os.path.join(self.var, "switch", name)

    # what the switch writes; read by measure, and by the erasure of personal data
    @property
    def switch_log(self) -> str:
        """The folder of queue_log and cdr-csv/: `$NUL_SWITCH_LOG` (on a site /var/log/asterisk), or the private one."""
        return os.environ.get("NUL_SWITCH_LOG") or os.path.join(self.switch(), "log")

    @property
    def recordings(self) -> str:
        """Quality recordings, `<LINKEDID>.wav`: `$NUL_RECORDINGS` (on a site /var/spool/asterisk/monitor/nul)."""
        return os.environ.get("NUL_RECORDINGS") or os.path.join(self.switch(), "spool", "monitor")
