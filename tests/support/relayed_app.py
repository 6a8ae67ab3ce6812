"""An app as a project runs one: prints its port, takes any body, answers in as many pieces as asked, echoes sockets."""

import asyncio

from aiohttp import WSMsgType, web


async def answer(request: web.Request) -> web.StreamResponse:
    if request.path == "/socket":
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket
    taken = 0
    async for piece in request.content.iter_any():
        taken += len(piece)
    response = web.StreamResponse(headers={"X-Taken": str(taken)})
    await response.prepare(request)
    for _ in range(int(request.query.get("pieces", "1"))):
        await response.write(b"x" * 65536)
    return response


async def main() -> None:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
