"""A server, and a proxy, of bytes: it does what no library for servers lets one do.

  python3 raw_server.py CERTIFICATE KEY

prints four ports: plain HTTP, HTTP over TLS, a proxy, the control. Over the control connection, a line

  BEHAVIOUR ARGUMENT

says what those that connect from then on meet; it is answered with the connections and the requests that came since the line before.
"wait late" is answered when what comes late has been sent.
It ends when the control connection does.
"""
import gzip
import os
import socket
import ssl
import struct
import sys
import threading
import time

lock = threading.Lock()
plan = {"behaviour": "ok", "argument": "", "connections": 0, "requests": 0}
plan["late"] = threading.Event()  # what comes behind an answer has been sent


def count(what):
    with lock:
        plan[what] += 1
        return plan["behaviour"], plan["argument"]


def reset(connection):
    """Closes so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def head(connection):
    """The lines of a request; None: the connection has ended."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(4096)
        if not piece:
            return None
        got += piece
        if got[:1] == b"\x16":  # TLS
            return [b"TLS  /"]
    return got.split(b"\r\n")


def answer(body, status="200 OK", more=""):
    text = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return text.encode() + body


def packed(argument):
    whole = gzip.compress(b'{"a":1}')
    if argument == "zeros":
        whole += b"\0" * 100
    elif argument == "line":
        whole += b"\n"
    elif argument == "members":
        whole += gzip.compress(b" ")
    elif argument == "checksum":
        whole = whole[:-8] + b"\xff" * 4 + whole[-4:]
    return answer(whole, more="Content-Encoding: gzip\r\n")


def serve_requests(connection):
    while True:
        lines = head(connection)
        if lines is None:
            return
        late = plan["late"]
        behaviour, argument = count("requests")
        path = lines[0].split(b" ")[1]
        said = answer(path)
        if behaviour == "late":  # something more comes behind the answer
            connection.sendall(said)
            time.sleep(0.05)
            connection.sendall(said if argument == "twice" else b"\r\n")
            late.set()
        elif behaviour == "records":  # a success nobody asked for, in the same segment, over TLS in a record of its own
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(said)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        elif behaviour == "conflict":
            time.sleep(0.05)
            connection.sendall(answer(b'{"message":"still running"}', "409 Conflict"))
        elif behaviour == "gzip":
            connection.sendall(packed(argument))
        elif behaviour == "shut":
            return
        elif behaviour == "slow":
            time.sleep(float(argument))
            connection.sendall(said)
        elif behaviour == "silent":
            time.sleep(60)
        else:
            connection.sendall(said)


def plain(connection):
    count("connections")
    serve_requests(connection)


def secure(connection, context):
    behaviour, argument = count("connections")
    if behaviour == "handshake":
        connection.recv(4096)
        if argument == "end":
            return
        if argument == "reset":
            reset(connection)
            return
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # the alert handshake_failure
        connection.recv(4096)
        return
    with context.wrap_socket(connection, server_side=True) as inside:
        if behaviour == "reset":
            inside.recv(4096)
            reset(inside)
            return
        serve_requests(inside)


def pump(a, b):
    try:
        while True:
            piece = a.recv(65536)
            if not piece:
                break
            b.sendall(piece)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def proxy(connection):
    """CONNECT, then what the argument says."""
    count("connections")
    lines = head(connection)
    if lines is None:
        return
    behaviour, argument = count("requests")
    if behaviour == "refuse":
        connection.sendall(f"HTTP/1.1 {argument} Words\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwords".encode())
        return
    if behaviour == "proxy_shut":
        return
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    if behaviour == "tunnel_shut":
        return
    if behaviour == "tunnel_silent":
        time.sleep(60)
    host, port = lines[0].split(b" ")[1].decode().rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port))) as server:
        threading.Thread(target=pump, args=(server, connection), daemon=True).start()
        pump(connection, server)


def guarded(serve, connection, *more):
    try:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(connection, *more)
    except (OSError, EOFError):
        pass


def listen(serve, *more):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=guarded, args=(serve, connection, *more), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def obey(control):
    for line in control.makefile("r"):
        behaviour, argument = line.rstrip("\n").split(" ", 1)
        if behaviour == "wait":
            plan["late"].wait(30)
            control.sendall(b"0 0\n")
            continue
        with lock:
            seen = plan["connections"], plan["requests"]
            plan.update(behaviour=behaviour, argument=argument, connections=0, requests=0, late=threading.Event())
        control.sendall(b"%d %d\n" % seen)


os.closerange(3, 256)  # sockets of the process that started this one: its other servers would never see their end
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
door = socket.create_server(("127.0.0.1", 0))
print(listen(plain), listen(secure, tls), listen(proxy), door.getsockname()[1], flush=True)
null = os.open(os.devnull, os.O_WRONLY)  # the one that started this reads until the output ends
os.dup2(null, 1)
os.dup2(null, 2)
door.settimeout(10)
obey(door.accept()[0])
