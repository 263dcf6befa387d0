rockspec_format = "3.0"
package = "topaz"
version = "scm-1"
source = {
   url = "git+https://github.com/topaz-lua/topaz.git",
}
description = {
   summary = "The statuses of image-processing jobs: read, follow and clean them up, without blocking",
   detailed = [[
A client for the Status part of an image-processing API. A C core on libcurl does the HTTP, decodes lists while they
arrive and hands statuses out as plain tables through a cursor iterator; a thin layer of Lua adds the waiting. Calls never
block a frame where they must not, nothing is sent twice that must not be, and every failure comes back as an error object.
]],
   homepage = "https://github.com/topaz-lua/topaz",
   issues_url = "https://github.com/topaz-lua/topaz/issues",
   labels = { "http", "api", "async", "image" },
   license = "MIT",
}
supported_platforms = { "unix" }
dependencies = {
   "lua >= 5.4, < 5.5",
   "lua-cjson >= 2.1",
   "argparse >= 0.7",
   "lua-term >= 0.7",
}
external_dependencies = {
   -- By its name alone: it is the Makefile that looks for it, since that finds what only the compiler and pkg-config find (Debian's
   -- multiarch), and names the package to install, which LuaRocks cannot. CURL_INCDIR and CURL_LIBDIR in the environment go first, as
   -- in `make`.
   CURL = {},
}
build = {
   type = "make",
   -- A folder of its own: the checkout's build stays as it is.
   variables = {
      BUILD = "build/luarocks",
      CFLAGS = "$(CFLAGS) -O3 -fno-plt",
      LIBFLAG = "$(LIBFLAG)",
      LUA_INCDIR = "$(LUA_INCDIR)",
   },
   install_variables = {
      INST_LUADIR = "$(LUADIR)",
      INST_LIBDIR = "$(LIBDIR)",
      INST_BINDIR = "$(BINDIR)",
   },
}
