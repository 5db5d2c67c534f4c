"""pystrix: its own threaded FastAGI server and its own commands."""

import re

from pystrix.agi import FastAGIServer, core


def call(agi, args, kwargs, match, path):
    run = agi.execute
    run(core.Answer())
    run(core.SetVariable("IVR_FATE", "informed"))
    run(core.GetVariable("CALLERID(num)"))
    run(core.StreamFile("nul/welcome"))
    run(core.StreamFile("nul/topics", "0123456789*#"))
    run(core.GetData("nul/topics", 5000, 1))
    run(core.StreamFile("nul/queue-wait"))
    run(core.SetVariable("IVR_TOPIC", "DID"))
    run(core.Exec("Queue", ("nul", "c")))
    run(core.GetVariable("QUEUESTATUS"))
    run(core.GetData("nul/survey-1", 5000, 1))
    run(core.SetVariable("IVR_OUTCOME", "done"))


def main():
    server = FastAGIServer("127.0.0.1", 0)
    server.register_script_handler(re.compile("twelve"), call)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
