"""An HTTP/2 server over TLS that does what no good one does: refuses streams, resets them, goes away.

  python3 h2_server.py CERTIFICATE KEY

prints two ports, of the service and of its control, and ends when the control connection does. Over that, a line

  FAULT TIMES STATUS BODY

says what the next TIMES requests meet, and what those behind them are answered (STATUS 200 or 204); it is answered with how many
requests and connections came since the line before. A line "streams N" is how many streams new connections allow. To clients that
offer HTTP/1.1 alone the server speaks that, without faults. Frames are written by hand (RFC 9113), since no library sends wrong ones.
"""
import os
import socket
import ssl
import struct
import sys
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 0, 2, 7, 8, 11, 13
MAX_CONCURRENT_STREAMS = 3  # a setting
LAST = 2**31 - 1

lock = threading.Lock()
plan = {"fault": "none", "times": 0, "status": 200, "body": b"", "seen": 0, "connections": 0, "streams": 100}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last, code):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


def head(stream, status, length=None, flags=END_HEADERS):
    block = b"\x89" if status == 204 else b"\x88"  # indexed (RFC 7541 appendix A)
    if length is not None:
        digits = str(length).encode()
        block += b"\x0f\x0d" + bytes([len(digits)]) + digits  # content-length, not indexed
    return frame(HEADERS, flags, stream, block)


def answer(stream):
    if plan["status"] == 204:
        return head(stream, 204, flags=END_HEADERS | END_STREAM)
    return head(stream, 200, len(plan["body"])) + frame(DATA, END_STREAM, stream, plan["body"])


def half(stream):
    """A success whose body is not all there."""
    return head(stream, 200, 1000) + frame(DATA, 0, stream, b'{"data":[')


SILENT = object()  # the connection stays open, and nothing is said on it any more

# What is sent for the stream, and whether the connection then ends.
FAULTS = {
    "refused_stream": lambda s: (reset(s, REFUSED_STREAM), False),
    "internal_error": lambda s: (reset(s, INTERNAL_ERROR), False),
    "cancel": lambda s: (reset(s, CANCEL), False),
    "http1_required": lambda s: (reset(s, HTTP_1_1_REQUIRED), False),
    "http1_required_all": lambda s: (goaway(0, HTTP_1_1_REQUIRED), True),
    "mute": lambda s: (b"", False),
    "silent": lambda s: (b"", SILENT),
    "answered_silent": lambda s: (answer(s), SILENT),
    "calm": lambda s: (reset(s, ENHANCE_YOUR_CALM), False),
    "goaway_unprocessed": lambda s: (goaway(0, NO_ERROR), True),
    "goaway_error": lambda s: (goaway(0, INTERNAL_ERROR), True),
    "goaway_processed": lambda s: (goaway(LAST, NO_ERROR), True),
    "goaway_answered": lambda s: (goaway(s, NO_ERROR) + answer(s), True),
    "closed": lambda s: (b"", True),
    "half_reset": lambda s: (half(s) + reset(s, INTERNAL_ERROR), False),
    "half_goaway": lambda s: (half(s) + goaway(s, NO_ERROR), True),
    "half_closed": lambda s: (half(s), True),
    "short": lambda s: (head(s, 200, 1000) + frame(DATA, END_STREAM, s, b"[]"), False),
}


def react(connection, stream):
    """Returns whether the connection ends, or SILENT."""
    with lock:
        plan["seen"] += 1
        struck = plan["times"] > 0
        plan["times"] -= struck
        sent, ends = FAULTS[plan["fault"]](stream) if struck else (answer(stream), False)
    connection.sendall(sent)
    return ends


def exactly(connection, n):
    got = b""
    while len(got) < n:
        piece = connection.recv(n - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


def talk_http2(connection):
    exactly(connection, len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    connection.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", MAX_CONCURRENT_STREAMS, plan["streams"])))
    ends = False
    while ends is not True:
        length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + exactly(connection, 9))
        payload = exactly(connection, length)
        if ends is SILENT:
            with lock:
                plan["seen"] += kind == HEADERS
        elif kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            connection.sendall(frame(PING, ACK, 0, payload))
        elif kind == HEADERS:
            ends = react(connection, stream)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):  # what is closed unread is reset, and what was sent may get lost
        pass


def talk_http1(connection):
    with connection.makefile("rb") as lines:
        while lines.readline():
            while lines.readline().strip():
                pass
            with lock:
                plan["seen"] += 1
                body = plan["body"]
                head = "204 No Content\r\n" if plan["status"] == 204 else "200 OK\r\nContent-Length: %d\r\n" % len(body)
            connection.sendall(("HTTP/1.1 " + head + "\r\n").encode() + (b"" if plan["status"] == 204 else body))


def talk(raw, context):
    try:
        with context.wrap_socket(raw, server_side=True) as connection:
            with lock:
                plan["connections"] += 1
            if connection.selected_alpn_protocol() == "h2":
                talk_http2(connection)
            else:
                talk_http1(connection)
    except (EOFError, OSError):
        pass


def serve(listener, context):
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=talk, args=(raw, context), daemon=True).start()


def obey(control):
    for line in control.makefile("r"):
        words = line.rstrip("\n").split(" ", 3)
        with lock:
            seen, connections = plan["seen"], plan["connections"]
            plan.update(seen=0, connections=0)
            if words[0] == "streams":
                plan.update(streams=int(words[1]))
            else:
                plan.update(fault=words[0], times=int(words[1]), status=int(words[2]), body=words[3].encode())
        control.sendall(b"%d %d\n" % (seen, connections))


os.closerange(3, 256)  # sockets of the process that started this one: its other servers would never see their end
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(["h2", "http/1.1"])
service, door = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
print(service.getsockname()[1], door.getsockname()[1], flush=True)
null = os.open(os.devnull, os.O_WRONLY)  # the one that started this reads until the output ends
os.dup2(null, 1)
os.dup2(null, 2)
threading.Thread(target=serve, args=(service, context), daemon=True).start()
door.settimeout(10)
obey(door.accept()[0])
