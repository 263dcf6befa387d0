-- The service of spec/examples/haproxy.lua in a HAProxy of this machine.
local socket = require "socket"
local web_host = require "spec.support.web_host"
local world = require "spec.support.world"

local function output(command)
   local pipe = assert(io.popen(command))
   local text = pipe:read "a"
   pipe:close()
   return text
end

-- Why it cannot run here, or nil. Debian's program is where only root looks.
local function missing()
   local lua = output("PATH=\"$PATH:/usr/sbin\" haproxy -vv 2>/dev/null"):match "Built with Lua version : (%S+ %S+)"
   if not lua then return "HAProxy with Lua is not installed" end
   if not lua:find "^Lua 5%.4" then return "this HAProxy has " .. lua end
end

describe("the service for HAProxy", function()
   local reason = missing()
   if reason then
      it("answers with the statuses of jobs", function() pending(reason) end)
      return
   end

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder, host

   -- Starts it with what is added to the configuration's global section.
   local function start(global)
      local file = assert(io.open(folder .. "/more.cfg", "w"))
      file:write("global\n  nbthread 1\n  ", global, "\n")
      file:close()
      host = web_host.start(folder, function(port)
         return ([[
            PATH="$PATH:/usr/sbin" LUA_PATH='%s' LUA_CPATH='%s' TOPAZ_API_KEY='%s' TOPAZ_BASE_URL='%s' \
            HAPROXY_PORT=%d HAPROXY_LUA=spec/examples/haproxy.lua \
            exec haproxy -db -f %s/more.cfg -f spec/examples/haproxy.cfg]]):format(
            package.path, package.cpath, emulator().key, emulator().url, port, folder)
      end, "/no-page")
   end

   before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute("mkdir " .. folder))
   end)
   after_each(function()
      emulator():set { latency = 0 }
      host:stop()
      os.execute("rm -rf " .. folder)
   end)

   it("answers with the statuses of jobs, and HAProxy goes on meanwhile", function()
      start ""
      local ids = emulator():add_jobs {
         { status = "Processing", progress = 42 }, { count = 150, status = "Completed" },
      }
      assert.same({ 200, "Completed 150\nProcessing 1\n" }, { host:get "/" })
      assert.same({ 200, "Processing 42 %\n" }, { host:get("/" .. ids[1]) })
      emulator():set { latency = 60 }
      local waiting = host:ask "/"
      assert.same({ 200, "well\n" }, { host:get "/health" })
      assert.same({ 404, "no such page\n" }, { host:get "/no-page" })
      assert.same({}, (socket.select({ waiting }, nil, 0)))
      waiting:close()
   end)

   it("says what went wrong", function()
      start ""
      local code, text = host:get "/00000000-0000-4000-8000-000000000000"
      assert.equal(404, code)
      assert.matches("not_found", text)
      code, text = host:get "/00"
      assert.equal(400, code)
      assert.matches("process_id", text)
   end)

   -- HAProxy suspends a script that has run for so many instructions, wherever that is.
   it("works when HAProxy interrupts it every 100 instructions", function()
      start "tune.lua.forced-yield 100"
      local ids = emulator():add_jobs { count = 60, status = "Completed" }
      local connections = {}
      for _, id in ipairs(ids) do connections[#connections + 1] = host:ask("/" .. id) end
      for _, connection in ipairs(connections) do
         assert.same({ 200, "Completed 100 %\n" }, { web_host.read(connection) })
      end
      assert.same({ 200, "Completed 60\n" }, { host:get "/" })
   end)
end)
