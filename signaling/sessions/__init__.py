"""Pure rules: no asyncio, Socket.IO, clock or randomness."""
