"""The program that proxy.lua starts: a forward proxy whose faults are scripted, documented in
types/emulator_proxy.lua.

  python3 proxy.py SETTINGS      (JSON: owner, owner_stamp, tls = { server, key }, and the options of start)

prints two ports, the proxy's and its control's, and closes its output. It ends when its owner has
ended, or after idle_limit seconds without a request.
LONG: one program, which is installed as one file; its sections follow a connection from its acceptance to its end.
"""
import asyncio
import base64
import json
import os
import re
import socket
import ssl
import struct
import sys
import time

REASONS = {
    200: "Connection established", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 407: "Proxy Authentication Required", 409: "Conflict", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}
ENDINGS = ("close", "reset", "silent")
HANDSHAKE, APPLICATION_DATA = 22, 23  # types of TLS records
LIMIT = 1 << 16
STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})\b")
ABSOLUTE = re.compile(r"^http://([^/?]+)(.*)$", re.I)


class Cut(Exception):
    """Raised when a fault ends the connection."""


class State:
    def __init__(self, settings):
        self.start = settings
        self.faults_made = 0
        self.open = {}  # the sockets of clients, and their writers
        self.touch()
        self.reset()

    def touch(self):
        self.used = time.monotonic()

    def reset(self):
        self.settings = dict(self.start)
        self.faults = []
        self.clear_log()

    def clear_log(self):
        self.log, self.total, self.connections = [], 0, 0

    def add(self, fault):
        self.faults_made += 1
        fault.setdefault("times", 1)
        fault.setdefault("after", 0)
        fault.update(id=self.faults_made, hits=0)
        self.faults.append(fault)
        return fault["id"]

    def take(self, at_accept, method=None, target=None):
        """Returns the fault that this connection or request meets, as the emulator's queue does."""
        for fault in self.faults:
            match = fault.get("match") or {}
            if at_accept != (stage_of(fault) == "accept"):
                continue
            if not at_accept and (match.get("method", method) != method or match.get("target", "") not in target):
                continue
            if fault["after"] > 0:
                fault["after"] -= 1
                continue
            fault["hits"] += 1
            if fault["times"] > 0:
                fault["times"] -= 1
                if fault["times"] == 0:
                    self.faults.remove(fault)
            return fault
        return {}

    def log_entry(self, connection, headers=None, **known):
        self.total += 1
        entry = dict(known, count=self.total, connection=connection, headers=headers or {}, up=0, down=0)
        entry["time"] = time.time()
        if len(self.log) < self.settings["log_limit"]:
            self.log.append(entry)
        return entry


def stage_of(fault):
    for ending in ENDINGS:
        if fault.get(ending):
            return "request" if fault[ending] is True else fault[ending]
    return None


# ---- one side of a connection -----------------------------------------------------------------------------------


async def pause(seconds):
    if seconds:
        await asyncio.sleep(seconds)


def abort(writer):
    """Ends the connection by a reset."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def finish(reader, writer):
    """Closes a connection after its last bytes were read: with bytes unread it would be reset, and sent bytes lost."""
    try:
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            await asyncio.wait_for(drain(reader), 2)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 2)
    except (OSError, ssl.SSLError, asyncio.TimeoutError):
        writer.transport.abort()


async def drain(reader):
    while await reader.read(LIMIT):
        pass


async def strike(fault, entry, reader, writer):
    """Ends the client's connection as the fault says."""
    entry["ended"] = "proxy"
    if fault.get("silent"):
        await drain(reader)
        entry["ended"] = "client"
    if fault.get("reset"):
        abort(writer)
    else:
        await finish(reader, writer)


def head_of(text):
    """Returns the parts of the first line, and the headers: names in lower case, the last one of a name."""
    first, *lines = text.split("\r\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return first.split(" "), headers


async def read_head(reader):
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")[:-4]
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ssl.SSLError):
        return None


async def reply(fault, entry, writer, status, headers=None, body=""):
    """Sends a response of the proxy's own, whole or in small pieces."""
    entry["status"] = status
    lines = ["HTTP/1.1 %d %s" % (status, fault.get("reason") or REASONS.get(status, "Status"))]
    given = {name.lower() for name in headers or {}}
    if not 200 <= status < 300 and "content-length" not in given and "transfer-encoding" not in given:
        lines += ["Content-Length: %d" % len(body.encode()), "Connection: close"]
    for name, value in (headers or {}).items():
        lines += ["%s: %s" % (name, one) for one in (value if isinstance(value, list) else [value])]
    data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body.encode()
    drip = fault.get("drip")
    size = drip.get("bytes", 1) if drip else len(data)
    for at in range(0, len(data), size):
        writer.write(data[at:at + size])
        await writer.drain()
        await pause(drip and drip.get("interval", 0.01))


# ---- relaying ---------------------------------------------------------------------------------------------------


class Records:
    """Reads a stream of TLS records. `data`: whether a record of application data has begun; in TLS 1.2 the first one
    begins HTTP. A stream without TLS is all data."""

    def __init__(self):
        self.left, self.header, self.plain, self.data = 0, b"", None, False

    def feed(self, piece):
        if self.plain is None:
            self.plain = self.data = piece[0] != HANDSHAKE
        while piece and not self.plain:
            if self.left:
                step = min(self.left, len(piece))
                self.left, piece = self.left - step, piece[step:]
                continue
            need = 5 - len(self.header)
            self.header, piece = self.header + piece[:need], piece[need:]
            if len(self.header) == 5:
                self.data = self.data or self.header[0] == APPLICATION_DATA
                self.left, self.header = struct.unpack(">H", self.header[3:5])[0], b""


class Relay:
    """Passes bytes between a client and an origin, until the stage at which a fault ends it. Each of the two directions
    returns when its sender has ended, and raises Cut when the fault ends the connection."""

    def __init__(self, state, client, origin):
        self.state, self.client, self.origin = state, client, origin
        self.up, self.down = Records(), Records()
        self.kept, self.timer = b"", None

    def begin(self, fault, entry):
        """Begins a request; over plain http, each request of a connection."""
        self.fault, self.entry, self.stage, self.passed = fault, entry, stage_of(fault), 0

    async def upward(self):
        reader, writer = self.client[0], self.origin[1]
        while piece := await reader.read(LIMIT):
            self.state.touch()
            if self.stage == "hello":
                raise Cut
            self.entry["up"] += len(piece)
            self.up.feed(piece)
            writer.write(piece)
            await writer.drain()
        self.entry.setdefault("ended", "client")
        writer.write_eof()

    async def downward(self):
        while piece := await self.origin[0].read(LIMIT):
            self.state.touch()
            self.down.feed(piece)
            answered = self.up.data and self.down.data
            if self.stage == "sent" and answered:
                raise Cut
            if self.stage == "handshake" or self.stage == "answer" and answered:
                room = self.fault.get("bytes", 60) - self.passed
                await self.pass_on(piece[:room])
                if len(piece) >= room:
                    raise Cut
            else:
                await self.pass_on(piece)
            if answered and "again" in self.fault:
                self.keep(piece)
        self.entry.setdefault("ended", "origin")

    def keep(self, piece):
        """Keeps the response that is sent once more after the origin has been silent for a time."""
        again = self.fault["again"]
        self.kept += piece
        if self.timer:
            self.timer.cancel()
        late = again["text"].encode("latin-1") if "text" in again else self.kept
        self.timer = asyncio.get_running_loop().call_later(again.get("delay", 0.02), self.once_more, late)

    def once_more(self, late):
        self.fault = {}
        self.client[1].write(late)

    async def pass_on(self, piece):
        slow = self.fault.get("slow")
        size = slow.get("bytes", 16) if slow else LIMIT
        for at in range(0, len(piece), size):
            part = piece[at:at + size]
            if "status" not in self.entry and (found := STATUS_LINE.match(part)):
                self.entry["status"] = int(found.group(1))
            self.entry["down"] += len(part)
            self.passed += len(part)
            self.client[1].write(part)
            await self.client[1].drain()
            await pause(slow and slow.get("interval", 0.01))


async def until_one_ends(*tasks):
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return [task for task in tasks if task.done()]


async def cancelled(*tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def end_of(relay, down, *others):
    """Ends the client's connection as the result of the downward task says. A task that still runs is cancelled."""
    reader, writer = relay.client
    broken = down.exception() if down.done() else None
    await cancelled(down, *others)
    if isinstance(broken, Cut):
        await strike(relay.fault, relay.entry, reader, writer)
    elif broken:
        abort(writer)  # the origin reset it
    else:
        await finish(reader, writer)
    # The origin is not disturbed: it has to read all that was sent to it.
    try:
        relay.origin[1].write_eof()
        await asyncio.wait_for(drain(relay.origin[0]), 5)
    except (OSError, RuntimeError, asyncio.TimeoutError):
        pass
    relay.origin[1].transport.abort()


async def tunnel(state, fault, entry, target, client):
    reader, writer = client
    stage = stage_of(fault)
    pretends = stage == "established" or "tunnel_raw" in fault
    origin = None if pretends else await reach(state, target)
    if not pretends and not origin:
        await reply(fault, entry, writer, 502, body="no such origin: " + target)
        return await finish(reader, writer)
    await reply(fault, entry, writer, fault.get("status", 200), fault.get("headers"))
    if stage == "established":
        return await strike(fault, entry, reader, writer)
    if pretends:
        await reader.read(LIMIT)
        entry["ended"] = "proxy"
        writer.write(fault["tunnel_raw"].encode("latin-1"))
        return await finish(reader, writer)
    await between(state, fault, entry, client, origin)


async def between(state, fault, entry, client, origin):
    """Passes bytes in both directions until the origin ends, or the fault strikes."""
    relay = Relay(state, client, origin)
    relay.begin(fault, entry)
    up, down = asyncio.ensure_future(relay.upward()), asyncio.ensure_future(relay.downward())
    for task in await until_one_ends(up, down):
        if task is up and not up.exception():
            await asyncio.wait([down], timeout=5)
        elif task is up:
            await cancelled(down)
            down = up
    await end_of(relay, down, up)


async def balance(state, connection, client):
    """Serves a connection of a balancer, which does not read its bytes."""
    fault = state.take(False, "", "")
    entry = state.log_entry(connection)
    if fault:
        entry["fault"] = fault["id"]
    await pause(state.settings["delay"] + fault.get("delay", 0))
    origin = await reach(state, state.settings["to"])
    if origin:
        await between(state, fault, entry, client, origin)
    else:
        entry["ended"] = "proxy"
        abort(client[1])


async def send_on(text, relay):
    """Sends a request to the origin: with the path alone, and without the headers for the proxy."""
    words, headers = head_of(text)
    lines = [line for line in text.split("\r\n")[1:] if not line.lower().startswith("proxy-")]
    path = ABSOLUTE.match(words[1]).group(2) or "/"
    data = ("\r\n".join(["%s %s HTTP/1.1" % (words[0], path)] + lines) + "\r\n\r\n").encode("latin-1")
    data += await relay.client[0].readexactly(int(headers.get("content-length") or 0))
    relay.entry["up"] += len(data)
    relay.up.feed(data)
    relay.origin[1].write(data)
    await relay.origin[1].drain()


async def forward(state, fault, entry, text, client):
    """Serves plain http: sends requests on one by one and passes back all bytes of the origin unchanged. The connection
    to the origin ends with the client's."""
    reader, writer = client
    first = authority(text)
    origin = await reach(state, first)
    if not origin:
        await reply(fault, entry, writer, 502, body="no such origin: " + first)
        return await finish(reader, writer)
    relay = Relay(state, client, origin)
    relay.begin(fault, entry)
    down = asyncio.ensure_future(relay.downward())
    following = None
    try:
        while True:
            await send_on(text, relay)
            following = asyncio.ensure_future(read_head(reader))
            await until_one_ends(down, following)
            text = None if down.done() else following.result()
            if not text:
                break
            fault, entry, refused = await receive(state, entry["connection"], text, client)
            if refused:
                break
            if authority(text) != first:
                await reply(fault, entry, writer, 502, body="another origin on the same connection")
                break
            relay.begin(fault, entry)
    except (OSError, asyncio.IncompleteReadError):
        pass
    if not down.done():
        relay.entry.setdefault("ended", "client")
    await end_of(relay, down, *([following] if following else []))


# ---- one connection ---------------------------------------------------------------------------------------------


def authority(text):
    """Returns the host:port of a request in absolute form, else None."""
    found = ABSOLUTE.match(text.split(" ")[1])
    host = found and found.group(1)
    return host if not host or re.search(r":\d+$", host) else host + ":80"


async def reach(state, target):
    """Returns a connection to the origin of `target`, or None. A name that is not this machine's must be in the map."""
    place = state.settings["map"].get(target) or state.settings["map"].get("*") or target
    host, _, port = place.rpartition(":")
    host = {"localhost": "127.0.0.1", "[::1]": "::1"}.get(host, host)
    if not re.match(r"^127\.|^::1$", host) or not port.isdigit():
        return None
    try:
        return await asyncio.open_connection(host, int(port), limit=LIMIT)
    except OSError:
        return None


def authorized(state, headers):
    user = state.settings.get("user")
    wanted = "%s:%s" % (user, state.settings.get("password") or "")
    scheme, _, given = headers.get("proxy-authorization", "").partition(" ")
    return not user or scheme.lower() == "basic" and given == base64.b64encode(wanted.encode()).decode()


async def receive(state, connection, text, client):
    """Handles a request that was read. Returns its fault, its entry in the log, and whether it was answered."""
    reader, writer = client
    words, headers = head_of(text)
    known = dict(zip(("method", "target", "version"), words))
    entry = state.log_entry(connection, headers, **known)
    fault = state.take(False, known.get("method"), known.get("target", ""))
    if fault:
        entry["fault"] = fault["id"]
    await pause(state.settings["delay"] + fault.get("delay", 0))
    entry["ended"] = "proxy"
    if "raw" in fault:
        writer.write(fault["raw"].encode("latin-1"))
        await finish(reader, writer)
    elif stage_of(fault) == "request":
        await strike(fault, entry, reader, writer)
    elif "status" in fault and not 200 <= fault["status"] < 300:
        await reply(fault, entry, writer, fault["status"], fault.get("headers"), fault.get("body", ""))
        await finish(reader, writer)
    elif not authorized(state, headers):
        await reply(fault, entry, writer, 407, {"Proxy-Authenticate": 'Basic realm="topaz emulator"'})
        await finish(reader, writer)
    elif len(words) != 3 or words[0] != "CONNECT" and not ABSOLUTE.match(words[1]):
        await reply(fault, entry, writer, 400, body="this is a proxy")
        await finish(reader, writer)
    else:
        del entry["ended"]
        return fault, entry, False
    return fault, entry, True


async def streams(raw, context=None):
    """Returns the reader and writer of an accepted socket; raises if the client's TLS handshake fails."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, raw, ssl=context)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def serve(state, raw, connection):
    """Serves a connection from its acceptance to its end."""
    writer = None
    try:
        fault = state.take(True)
        if fault:
            reader, writer = await streams(raw)
            entry = state.log_entry(connection, fault=fault["id"])
            await pause(fault.get("delay", 0.01))  # an earlier reset may look like a refusal to the client
            return await strike(fault, entry, reader, writer)
        if state.settings["to"]:
            reader, writer = await streams(raw)
            state.open[raw] = writer
            return await balance(state, connection, (reader, writer))
        client = reader, writer = await streams(raw, state.tls)
        state.open[raw] = writer
        text = await read_head(reader)
        if text is None:
            return None
        fault, entry, answered = await receive(state, connection, text, client)
        if answered:
            return None
        if entry["method"] == "CONNECT":
            await tunnel(state, fault, entry, entry["target"], client)
        else:
            await forward(state, fault, entry, text, client)
    except (OSError, ssl.SSLError):
        pass
    finally:
        state.open.pop(raw)
        if writer:
            writer.transport.abort()
        else:
            raw.close()
    return None


async def accept(state, listener):
    loop, tasks = asyncio.get_running_loop(), set()
    while True:
        raw, _ = await loop.sock_accept(listener)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state.touch()
        state.connections += 1
        state.open[raw] = None
        task = asyncio.ensure_future(serve(state, raw, state.connections))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


# ---- control and life -------------------------------------------------------------------------------------------


def counts(state):
    by, statuses = {}, {}
    for entry in state.log:
        method = entry.get("method", "none")
        by[method] = by.get(method, 0) + 1
        if "status" in entry:
            statuses[str(entry["status"])] = statuses.get(str(entry["status"]), 0) + 1
    return {"connections": state.connections, "open": len(state.open), "total": state.total, "by": by,
            "statuses": statuses}


def command(state, name, given):
    if name == "fault":
        return {"id": state.add(given)}
    if name == "clear_faults":
        state.faults = [fault for fault in state.faults if "id" in given and fault["id"] != given["id"]]
    elif name == "set":
        state.settings.update(given)
    elif name == "reset":
        state.reset()
    elif name == "drop":
        for writer in state.open.values():
            if writer:
                abort(writer)
    elif name == "clear_log":
        state.clear_log()
    elif name not in ("ping", "log", "counts", "faults"):
        raise ValueError("unknown command: " + name)
    return {"log": {"log": state.log}, "faults": {"faults": state.faults}, "counts": counts(state)}.get(name, {})


async def control(state, reader, writer):
    """Serves one command: POST /_emulator/NAME with a table in JSON."""
    state.touch()
    text = await read_head(reader)
    if text:
        words, headers = head_of(text)
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        try:
            status, out = 200, command(state, words[1].rpartition("/")[2], json.loads(body or b"{}") or {})
        except (ValueError, TypeError, KeyError) as error:
            status, out = 400, {"error": str(error)}
        data = json.dumps(out).encode()
        writer.write(b"HTTP/1.1 %d Done\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(data)))
        writer.write(data)
        await writer.drain()
    writer.close()


def stamp(pid):
    """Does what process.stamp in process.lua does."""
    try:
        with open("/proc/%d/stat" % pid, encoding="latin-1") as file:
            fields = file.read().rpartition(") ")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        return None


async def watch(state):
    start, idle = state.start, state.start["idle_limit"]
    while stamp(start["owner"]) == start["owner_stamp"] and (idle == 0 or time.monotonic() - state.used < idle):
        await asyncio.sleep(0.5)
    os._exit(0)


def listen():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    return listener


def tls_context(pem):
    """Returns a TLS context made of texts: they are loaded from files in memory."""
    name = "/proc/self/fd/%d"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own, other = os.memfd_create("certificate"), os.memfd_create("key")
    os.write(own, pem["server"].encode())
    os.write(other, pem["key"].encode())
    context.load_cert_chain(name % own, name % other)
    os.close(own)
    os.close(other)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def main():
    state = State(json.loads(sys.argv[1]))
    state.tls = tls_context(state.start["tls"]) if state.start.get("tls") else None
    service, door = listen(), listen()
    print(service.getsockname()[1], door.getsockname()[1], flush=True)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    server = await asyncio.start_server(lambda reader, writer: control(state, reader, writer), sock=door)
    await asyncio.gather(accept(state, service), watch(state), server.serve_forever())


os.closerange(3, 1024)  # inherited sockets: their peers would never see them closed
asyncio.run(main())
