rockspec_format = "3.0"
package = "topaz"
version = "scm-1"
source = {
   url = "git+https://github.com/topaz-lua/topaz.git",
}
description = {
   summary = "The statuses of image-processing jobs: read, follow and clean them up, without blocking",
   detailed = [[
A client for the Status part of an image-processing API, the Topaz Labs Image API; it submits no jobs. A C core on libcurl
does the HTTP, decodes lists while they arrive and hands statuses out as plain tables through a cursor iterator; a thin
layer of Lua adds the waiting. Calls never block a frame where they must not, nothing is sent twice that must not be, and
every failure is returned as an error object. With it come a command line, and an emulator of the API for tests.
]],
   homepage = "https://github.com/topaz-lua/topaz",
   issues_url = "https://github.com/topaz-lua/topaz/issues",
   labels = { "http", "api", "async", "image" },
   license = "MIT",
}
supported_platforms = { "unix", "windows" }
dependencies = {
   "lua >= 5.4, < 5.6",
   "lua-cjson >= 2.1",
   "argparse >= 0.7",
}
external_dependencies = {
   -- By its name alone: it is the Makefile that looks for it, since that finds what only the compiler and pkg-config find (Debian's
   -- multiarch), and names the package to install, which LuaRocks cannot. CURL_INCDIR and CURL_LIBDIR in the environment go first, as
   -- in `make`.
   CURL = {},
   platforms = { windows = { CURL = { header = "curl/curl.h" } } },
}
build = {
   -- By the Makefile, which hides all names but one and says in one line what is missing.
   type = "make",
   -- A folder of its own: the checkout's build stays as it is.
   variables = {
      BUILD = "build/luarocks",
      CFLAGS = "$(CFLAGS) -O3 -fno-plt",
      LIBFLAG = "$(LIBFLAG)",
      LUA = "$(LUA)",
      LUA_INCDIR = "$(LUA_INCDIR)",
   },
   install_variables = {
      INST_LUADIR = "$(LUADIR)",
      INST_MANDIR = "$(PREFIX)/man/man1",
      INST_LIBDIR = "$(LIBDIR)",
      INST_BINDIR = "$(BINDIR)",
   },
   -- On Windows there may be neither make nor a shell: LuaRocks compiles these files itself, and copies the folder lua as it is.
   -- CURL_DIR says where libcurl is. A spec compares the list with csrc.
   platforms = {
      windows = {
         type = "builtin",
         modules = {
            ["topaz.core"] = {
               sources = {
                  "csrc/api.c",
                  "csrc/call.c",
                  "csrc/channel.c",
                  "csrc/client.c",
                  "csrc/client_options.c",
                  "csrc/client_share.c",
                  "csrc/client_step.c",
                  "csrc/core.c",
                  "csrc/cursor.c",
                  "csrc/cursor_filter.c",
                  "csrc/cursor_memory.c",
                  "csrc/cursor_number.c",
                  "csrc/cursor_options.c",
                  "csrc/cursor_page.c",
                  "csrc/cursor_token.c",
                  "csrc/error.c",
                  "csrc/gate.c",
                  "csrc/json/buffer.c",
                  "csrc/json/build.c",
                  "csrc/json/decode.c",
                  "csrc/json/json.c",
                  "csrc/json/recent.c",
                  "csrc/json/record.c",
                  "csrc/json/scan.c",
                  "csrc/json/shape.c",
                  "csrc/json/skim.c",
                  "csrc/json/table.c",
                  "csrc/options.c",
                  "csrc/options_headers.c",
                  "csrc/percent.c",
                  "csrc/platform/platform.c",
                  "csrc/platform/socket.c",
                  "csrc/platform/unix.c",
                  "csrc/platform/unix_process.c",
                  "csrc/platform/unix_socket.c",
                  "csrc/platform/unix_terminal.c",
                  "csrc/platform/windows.c",
                  "csrc/platform/windows_process.c",
                  "csrc/platform/windows_socket.c",
                  "csrc/platform/windows_terminal.c",
                  "csrc/process.c",
                  "csrc/request.c",
                  "csrc/request_attempt.c",
                  "csrc/request_queue.c",
                  "csrc/request_quota.c",
                  "csrc/request_report.c",
                  "csrc/retry.c",
                  "csrc/retry_date.c",
                  "csrc/retry_quota.c",
                  "csrc/session.c",
                  "csrc/sha256.c",
                  "csrc/status.c",
                  "csrc/terminal.c",
                  "csrc/transport/answer.c",
                  "csrc/transport/connections.c",
                  "csrc/transport/headers.c",
                  "csrc/transport/library.c",
                  "csrc/transport/options.c",
                  "csrc/transport/poller.c",
                  "csrc/transport/poller_epoll.c",
                  "csrc/transport/poller_kqueue.c",
                  "csrc/transport/poller_poll.c",
                  "csrc/transport/poller_windows.c",
                  "csrc/transport/proxy.c",
                  "csrc/transport/step.c",
                  "csrc/transport/stream.c",
                  "csrc/transport/stream_move.c",
                  "csrc/transport/transfers.c",
                  "csrc/transport/transport.c",
                  "csrc/transport/url.c",
                  "csrc/transport/watch.c",
                  "csrc/unicode.c",
                  "csrc/userdata.c",
               },
               defines = { "NDEBUG" },
               incdirs = { "csrc", "$(CURL_INCDIR)" },
               libdirs = { "$(CURL_LIBDIR)" },
               libraries = { "curl", "ws2_32" },
            },
         },
         install = { bin = { ["topaz-status"] = "lua/topaz/cli/topaz-status" } },
      },
   },
}
