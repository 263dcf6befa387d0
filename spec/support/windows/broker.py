# Runs a command, and shell commands for it: broker.py COMMAND ARGUMENT…
#
# A program for Windows that wine runs cannot run programs of the system and read what they write. It sends a shell
# command to 127.0.0.1:$TOPAZ_SHELL_PORT instead: a line with the number of its bytes and of those of its input, then
# both. It gets what the command writes, then a zero, then the exit code. See init.lua beside this file.
import os
import socketserver
import subprocess
import sys
import threading


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        command, given = (int(word) for word in self.rfile.readline().split())
        command = self.rfile.read(command)
        program = subprocess.Popen([b"sh", b"-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = program.communicate(self.rfile.read(given))
        self.wfile.write(out.replace(b"\r\n", b"\n") + b"\0%d" % program.returncode)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


with Server(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = subprocess.call(sys.argv[1:], env={**os.environ, "TOPAZ_SHELL_PORT": str(server.server_address[1])})
    server.shutdown()
sys.exit(code)
