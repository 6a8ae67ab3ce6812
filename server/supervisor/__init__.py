"""The supervisor: the one program of ours in every project's container.

It starts the shells and the app on PTYs, keeps their output in rings numbered by byte offset, reports listening ports,
relays to them, and ends whole process groups. It is one thread on `selectors`, without asyncio, because it shares half
a processor and 256 MiB with the user's own programs. Only the standard library is used, and nothing of
the server, so that the folder runs wherever it is copied:

    python3 -ISs /opt/hutch/supervisor serve --state DIR --workspace DIR [--environments DIR]
    python3 -ISs /opt/hutch/supervisor attach --state DIR

`serve` listens for links on DIR/supervisor.sock. `attach` hands its own standard input and output over to the
supervisor as a link and waits until that has ended, so that an exec of the engine becomes a link without a copying hop.
"""
