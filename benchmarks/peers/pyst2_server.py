"""pyst2: its AGI class in a server with the transport repaired.

pyst2's own FastAGI server cannot start on Python 3 (it imports SocketServer). With that repaired it fails at the first
command, since it writes text to a socket of bytes. This server has socketserver's threads, text wrappers around the
socket, a listen backlog for many calls, no log, and no signal handler, which AGI would set in every thread.
"""

import io
import os
import signal
import socketserver
from types import SimpleNamespace

from asterisk import agi as pyst2

pyst2.signal = SimpleNamespace(signal=lambda number, handler: None, SIGHUP=signal.SIGHUP)


class Handler(socketserver.StreamRequestHandler):
    log = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives

    def handle(self):
        call(pyst2.AGI(io.TextIOWrapper(self.rfile), io.TextIOWrapper(self.wfile), self.log))


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 4096
    daemon_threads = True


def call(agi):
    agi.answer()
    agi.set_variable("IVR_FATE", "informed")
    agi.get_variable("CALLERID(num)")
    agi.stream_file("nul/welcome")
    agi.stream_file("nul/topics", "0123456789*#")
    agi.get_data("nul/topics", 5000, 1)
    agi.stream_file("nul/queue-wait")
    agi.set_variable("IVR_TOPIC", "DID")
    agi.appexec("Queue", "nul,c")
    agi.get_variable("QUEUESTATUS")
    agi.get_data("nul/survey-1", 5000, 1)
    agi.set_variable("IVR_OUTCOME", "done")


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
