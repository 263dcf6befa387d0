-- What takes part in the lists: the commands, and how to find out whether they are installed here.
local harness = require "spec.bench.harness"

local peers = {}

local HERE = "spec/bench/peer/"

local function lua_program(...)
   local words = { harness.lua, ... }
   words[2] = HERE .. words[2]
   return words
end
peers.lua_program = lua_program

local function asks_lua(code) return function() return harness.ask { harness.lua, "-e", code } end end

-- The first Python that has a module, since the first in the path may be one without.
local function asks_python(module)
   return function()
      for _, program in ipairs { "python3", "/usr/bin/python3" } do
         local code = ("import %s as m, sys; print(m.__version__, 'on Python', sys.version.split()[0])"):format(module)
         local version = harness.ask { program, "-c", code }
         if version then return version, program end
      end
   end
end

-- yyjson: Debian 13 has it (libyyjson-dev), Debian 12 does not.
-- `version` gives text (and what `command` gets as its second argument), or nil when the peer
-- is not installed. A slow one runs three times only, one with few_pages reads fewer pages.
local PEERS = {
   {
      name = "C, libcurl + yyjson",
      version = function()
         local version = harness.ask { "pkg-config", "--modversion", "yyjson" }
         return version and "yyjson " .. version, version and harness.compile("yyjson", "spec/bench/yyjson.c", "yyjson")
      end,
      command = function(url, program) return { program, url } end,
   },
   {
      name = "LuaSocket + cjson", language = "Lua",
      version = asks_lua [[print(require "socket"._VERSION .. ", cjson " .. require "cjson"._VERSION)]],
      command = function(url) return lua_program("luasocket.lua", url, "cjson") end,
   },
   {
      name = "LuaSocket + dkjson", language = "Lua", slow = true,
      version = asks_lua [[
         local socket, dkjson = require "socket", require "dkjson"
         local how = pcall(dkjson.use_lpeg) and "with" or "without"
         print(("%s, %s %s LPeg"):format(socket._VERSION, dkjson.version, how))
      ]],
      command = function(url) return lua_program("luasocket.lua", url, "dkjson") end,
   },
   {
      name = "Lua-cURL + cjson", language = "Lua",
      version = asks_lua [[print(require "lcurl"._VERSION or "Lua-cURL", "cjson " .. require "cjson"._VERSION)]],
      command = function(url) return lua_program("lua_curl.lua", url) end,
   },
   {
      name = "Python httpx", version = asks_python "httpx",
      command = function(url, python) return { python, HERE .. "list_httpx.py", url } end,
   },
   {
      name = "Python requests", version = asks_python "requests",
      command = function(url, python) return { python, HERE .. "list_requests.py", url } end,
   },
   {
      name = "Node fetch",
      version = function() return harness.ask { "node", "-p", "fetch, 'Node ' + process.versions.node" } end,
      command = function(url) return { "node", HERE .. "fetch.mjs", url } end,
   },
   {
      name = "curl + jq", slow = true, few_pages = true,
      version = function()
         return harness.ask { "sh", "-c", [[j=$(jq --version) && curl --version | sed -n "1s/ (.*/, $j/p"]] }
      end,
      command = function(url) return { "sh", HERE .. "curl_jq.sh", url } end,
   },
}

--- Those that are installed, each with its `version` as text; and the names of the others.
function peers.installed()
   local here, missing = {}, {}
   for _, peer in ipairs(PEERS) do
      local version, program = peer.version()
      if version then
         here[#here + 1] = {
            name = peer.name, language = peer.language, slow = peer.slow, few_pages = peer.few_pages,
            version = version, program = program,
            command = function(url) return peer.command(url, program) end,
         }
      else
         missing[#missing + 1] = peer.name
      end
   end
   return here, missing
end

--- Version of the module as it is built here, or nil: one answer for the whole run.
function peers.topaz()
   if peers.topaz_version == nil then peers.topaz_version = asks_lua [[print(require "topaz".version)]]() or false end
   return peers.topaz_version or nil
end

return peers
