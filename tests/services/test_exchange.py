import asyncio

import pytest
import uvloop

from server.services.exchange import Connection, Ended, Exchange


def test_a_connection_that_has_ended_is_not_written_to() -> None:
    """On uvloop, whose transports refuse it with an error of their own."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(lambda reader, writer: writer.transport.abort(), "127.0.0.1", 0)
        async with server:
            _, connection = await loop.create_connection(Connection, *server.sockets[0].getsockname())
            ended = loop.create_future()
            connection.on_lost = lambda: ended.set_result(None)
            await ended
            await asyncio.sleep(0)
            exchange = Exchange(connection, "GET", lambda _: None)
            with pytest.raises(Ended):
                await exchange.begin(b"/", [], None, lambda: None)
            exchange.close()
            with pytest.raises(ConnectionResetError):
                await connection.write(b"more")

    uvloop.run(main())
