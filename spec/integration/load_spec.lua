-- What `require "topaz"` and `make` say when something that topaz stands on is missing:
-- one line that names it.
local interpreter = require "spec.support.interpreter"

describe("what is missing", function()
   local folder

   local function run(command)
      local pipe = assert(io.popen(("cd %s && { %s; } 2>&1; echo \"exit $?\""):format(folder.checkout, command)))
      local text = pipe:read "a"
      pipe:close()
      return text
   end

   local function write(name, text)
      local file = assert(io.open(folder.path .. "/" .. name, "w"))
      file:write(text)
      file:close()
   end

   -- require "topaz" with a package.cpath of its own.
   local function load_with(cpath)
      return run(([[LUA_CPATH='%s' LUA_PATH='lua/?.lua;lua/?/init.lua' %s -e '
         local ok, err = pcall(require, "topaz")
         print(ok, err)']]):format(cpath, interpreter))
   end

   setup(function()
      local path = os.tmpname()
      os.remove(path)
      local pipe = io.popen "pwd"
      folder = { path = path, checkout = pipe:read "l" }
      pipe:close()
      assert(os.execute("mkdir -p " .. path .. "/topaz"))
   end)
   teardown(function() os.execute("rm -rf " .. folder.path) end)

   it("a shared library, is named", function()
      write("library.c", "int absent(void) { return 1; }\n")
      write("core.c", "int absent(void);\nint luaopen_topaz_core(void *L) { (void)L; return absent(); }\n")
      assert.equal("exit 0\n", run(([[cd %s && cc -shared -fPIC -Wl,-soname,libcurl.so.99 -o libcurl.so.99 library.c &&
         cc -shared -fPIC -o topaz/core.so core.c ./libcurl.so.99 && rm libcurl.so.99]]):format(folder.path)))
      assert.equal("false\ttopaz: module 'topaz.core' cannot be loaded: it needs the shared library libcurl.so.99, "
         .. "which is not on this machine: install libcurl4 (Debian, Ubuntu) or libcurl (Fedora, Alpine)\nexit 0\n",
         load_with(folder.path .. "/?.so"))
   end)

   it("the core, is named", function()
      assert.equal("false\ttopaz: module 'topaz.core' cannot be loaded: the C core is not installed for this Lua: "
         .. "build it with `make` or `luarocks make`, for " .. _VERSION .. "\nexit 0\n",
         load_with(folder.path .. "/nowhere/?.so"))
   end)

   it("cjson, is named", function()
      local core = package.searchpath("topaz.core", package.cpath)
      assert.equal("false\ttopaz: module 'cjson' cannot be loaded: it is not installed: "
         .. "`luarocks install lua-cjson`, or on Debian and Ubuntu `apt install lua-cjson`\nexit 0\n",
         load_with(core:gsub("topaz/core%.so$", "?.so")))
   end)

   it("a core for another Lua, is said with what to type", function()
      write("core.c", "void luaL_checkversion_(void *L, double version, unsigned long sizes);\n"
         .. "int luaopen_topaz_core(void *L) { luaL_checkversion_(L, 503, 8 * 16 + 8); return 0; }\n")
      assert.equal("exit 0\n", run(("cd %s && cc -shared -fPIC -o topaz/core.so core.c"):format(folder.path)))
      local expected = "false\ttopaz: module 'topaz.core' cannot be loaded: it was built for another version of Lua "
         .. "than this, %s: build it again, with `make LUA=lua%s` or `luarocks make`\nexit 0\n"
      assert.equal(expected:format(_VERSION, _VERSION:match "%d.%d"), load_with(folder.path .. "/?.so"))
   end)

   -- A compiler that does not find some header.
   local function make_without(header)
      write("cc", ("#!/bin/sh\nif grep -q '%s'; then exit 1; fi\n"):format(header))
      return run(("chmod 755 %s/cc && MAKEFLAGS= make -s LUA=%s BUILD=%s/build CC=%s/cc"):format(folder.path,
         interpreter, folder.path, folder.path))
   end

   it("libcurl's headers, has the names of their packages", function()
      local said = make_without "curl.h"
      assert.matches("^topaz: the headers of libcurl 7.85 or newer were not found. "
         .. "Install libcurl4%-openssl%-dev %(Debian, Ubuntu%), "
         .. "libcurl%-devel %(Fedora%), [^\n]* or set CURL_INCDIR\n", said)
      assert.matches("exit 2\n$", said)
   end)

   it("Lua's headers, has the names of their packages", function()
      assert.matches("^topaz: the headers of " .. _VERSION .. " were not found. "
         .. "Install liblua[%d.]+%-dev %(Debian, Ubuntu%), "
         .. "[^\n]* or set LUA_INCDIR\n", make_without "lauxlib.h")
   end)

   it("a Lua that topaz runs in, is said", function()
      assert.matches("^topaz: 'lua5.3' is Lua 5.3, and topaz needs 5.4 or 5.5. Set LUA\n",
         run(("MAKEFLAGS= make -s BUILD=%s/build LUA=lua5.3"):format(folder.path)))
   end)

   it("the headers of the very version, is not replaced by those of another", function()
      write("lauxlib.h", "#define LUA_VERSION_NUM 504\n")
      assert.matches("^topaz: the headers of Lua 5.5 were not found. ",
         run(("MAKEFLAGS= make -s BUILD=%s/build LUA=/nowhere/lua5.5 LUA_INCDIR=%s"):format(folder.path, folder.path)))
   end)

   it("a compiler, is said", function()
      assert.matches("^topaz: there is no C compiler 'nowhere%-cc'",
         run(("MAKEFLAGS= make -s BUILD=%s/build CC=nowhere-cc"):format(folder.path)))
   end)
end)

describe("the installed topaz-status", function()
   it("finds its modules, called by its name alone, by a link from elsewhere and by its path", function()
      local root, version = os.tmpname(), _VERSION:match "%d.%d"
      local core = package.searchpath("topaz.core", package.cpath):gsub("/topaz/core%.so$", "")
      assert(os.execute(([[root=%s; rm $root; mkdir -p $root/bin $root/share/lua $root/lib/lua $root/elsewhere
         ln -s "$PWD/lua" $root/share/lua/%s; ln -s "$(realpath '%s')" $root/lib/lua/%s
         sed '1s|^#!.*|#!/usr/bin/env %s|' lua/topaz/cli/topaz-status >$root/bin/topaz-status
         chmod 755 $root/bin/topaz-status; ln -s ../bin/topaz-status $root/elsewhere/ts]]):format(root, version, core,
         version, interpreter)))
      for _, command in ipairs { "cd bin && ./topaz-status", "elsewhere/ts", root .. "/bin/topaz-status" } do
         local pipe = io.popen(("cd %s; unset LUA_PATH LUA_CPATH; %s --version 2>&1"):format(root, command))
         local said = pipe:read "a"
         pipe:close()
         assert.equal("topaz-status " .. require("topaz").version .. "\n", said, command)
      end
      os.execute("rm -rf " .. root)
   end)
end)
