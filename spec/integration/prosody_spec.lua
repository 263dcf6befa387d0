-- The module of spec/examples/mod_topaz_status.lua in a Prosody of this machine.
local socket = require "socket"
local web_host = require "spec.support.web_host"
local world = require "spec.support.world"

describe("the module for Prosody", function()
   if not os.execute "command -v prosody >/dev/null 2>&1" then
      it("answers when a job is finished", function() pending "Prosody is not installed" end)
      return
   end

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder, host

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute(("mkdir -p %s/data %s/plugins"):format(folder, folder)))
      assert(os.execute(("cp spec/examples/mod_topaz_status.lua %s/plugins"):format(folder)))
      host = web_host.start(folder, function(port)
         local file = assert(io.open(folder .. "/prosody.cfg.lua", "w"))
         file:write(([[
            run_as_root = true
            data_path, plugin_paths, pidfile = "%s/data", { "%s/plugins" }, "%s/pid"
            http_ports, http_interfaces, https_ports, c2s_ports, s2s_ports = { %d }, { "127.0.0.1" }, {}, {}, {}
            modules_disabled = { "s2s", "c2s", "s2s_auth_certs" }
            log = { { levels = { min = "info" }, to = "console" } }
            VirtualHost "localhost"
               modules_enabled = { "topaz_status" }
               topaz_api_key, topaz_base_url = "%s", "%s"
         ]]):format(folder, folder, folder, port, emulator().key, emulator().url))
         file:close()
         return ("LUA_PATH='%s' LUA_CPATH='%s' exec prosody -F --config %s/prosody.cfg.lua"):format(
            web_host.absolute(package.path), web_host.absolute(package.cpath), folder)
      end, "/topaz")
   end)
   teardown(function()
      host:stop()
      os.execute("rm -rf " .. folder)
   end)

   it("answers when a job is finished, and other requests meanwhile", function()
      local id = emulator():add_jobs({ timeline = { processing = 2 } })[1]
      emulator():add_jobs { { count = 150, status = "Completed" }, { count = 2, status = "Failed" } }
      local waiting = host:ask("/topaz/" .. id)
      assert.same({ 200, "Completed 150\nFailed 2\nProcessing 1\n" }, { host:get "/topaz" })
      assert.same({ 404 }, { (host:get "/topaz/no-id") })
      assert.same({}, (socket.select({ waiting }, nil, 0)))
      emulator():advance(3)
      assert.same({ 200, "Completed\n" }, { web_host.read(waiting) })
   end)

   it("says what went wrong", function()
      local code, text = host:get "/topaz/00000000-0000-4000-8000-000000000000"
      assert.equal(404, code)
      assert.matches("not_found", text)
   end)

   it("does not care when the caller goes", function()
      local id = emulator():add_jobs({ timeline = { processing = 2 } })[1]
      host:ask("/topaz/" .. id):close()
      assert.same({ 200, "Processing 1\n" }, { host:get "/topaz" })
   end)
end)
