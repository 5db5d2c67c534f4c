"""panoramisk: `panoramisk_server.py [uvloop]`. Its FastAGI has only raw strings as commands."""

import asyncio
import logging
import sys

from panoramisk.fast_agi import Application


async def call(request):
    command = request.send_command
    await command("ANSWER")
    await command('SET VARIABLE IVR_FATE "informed"')
    await command("GET VARIABLE CALLERID(num)")
    await command('STREAM FILE nul/welcome ""')
    await command('STREAM FILE nul/topics "0123456789*#"')
    await command("GET DATA nul/topics 5000 1")
    await command('STREAM FILE nul/queue-wait ""')
    await command('SET VARIABLE IVR_TOPIC "DID"')
    await command('EXEC Queue "nul,c"')
    await command("GET VARIABLE QUEUESTATUS")
    await command("GET DATA nul/survey-1 5000 1")
    await command('SET VARIABLE IVR_OUTCOME "done"')


async def main():
    logging.disable(logging.ERROR)
    application = Application(loop=asyncio.get_running_loop())
    application.add_route("twelve", call)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["uvloop"]:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
