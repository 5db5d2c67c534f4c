"""The bare Protocol: no library at all. `bare.py [uvloop]`

The minimum of a FastAGI server in Python: the environment becomes a dict, a reply its result and its value, and the
call is a generator that `data_received` steps. It does not handle hang-ups, errors, limits, replies of several lines or
quoting. Without an argument it runs on asyncio's own event loop.
"""

import asyncio
import gc
import re
import sys

REPLY = re.compile(r"200 result=(\S*)(?: \((.*)\))?")


def call(environment):
    yield "ANSWER"
    yield 'SET VARIABLE IVR_FATE "informed"'
    yield "GET VARIABLE CALLERID(num)"
    yield 'STREAM FILE nul/welcome ""'
    yield 'STREAM FILE nul/topics "0123456789*#"'
    key = (yield "GET DATA nul/topics 5000 1")[1]
    yield 'STREAM FILE nul/queue-wait ""'
    yield 'SET VARIABLE IVR_TOPIC "DID"' if key == "2" else "NOOP"
    yield 'EXEC Queue "nul,c"'
    yield "GET VARIABLE QUEUESTATUS"
    yield "GET DATA nul/survey-1 5000 1"
    yield 'SET VARIABLE IVR_OUTCOME "done"'


class Bare(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""
        self.flow = None

    def data_received(self, data):
        self.buffer += data
        if self.flow is None:
            end = self.buffer.find(b"\n\n")
            if end < 0:
                return
            lines = self.buffer[:end].decode("utf-8", "replace").split("\n")
            self.buffer = self.buffer[end + 2 :]
            self.flow = call(dict(line.split(": ", 1) for line in lines))
            self.step(None)
        while (end := self.buffer.find(b"\n")) >= 0:
            line, self.buffer = self.buffer[:end].decode("utf-8", "replace"), self.buffer[end + 1 :]
            self.step(REPLY.match(line))

    def step(self, reply):
        try:
            command = self.flow.send(reply)
        except StopIteration:
            self.transport.close()
        else:
            self.transport.write(command.encode() + b"\n")


async def main():
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    gc.freeze()
    if sys.argv[1:] == ["uvloop"]:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
