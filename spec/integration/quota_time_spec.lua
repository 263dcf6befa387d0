-- What the server says of its limit holds from its response on, and counts only requests that were
-- sent: attempts that never left and lists that are read slowly delay no call.
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

describe("a quota", function()
   local emulator, proxy, ids

   setup(function()
      emulator = emulators.start { tls = true, keepalive_requests = 1 }
      proxy = proxies.start {}
   end)
   teardown(function()
      proxy:stop()
      emulator:stop()
   end)
   before_each(function()
      proxy:reset()
      emulator:reset()
      ids = emulator:add_jobs(3)
   end)

   -- Steps until the call is done; fails when it waits for the end of the window.
   local function settle(client, call)
      while not call:done() do
         client:step(0.5)
         assert.is_true((client:timeout() or 0) < 10, "waits for the window's end")
      end
      return call:result()
   end

   -- A client whose next request needs a new connection, and which may send one.
   local function client(more)
      local options = { base_url = emulator.tls_url, ca_file = emulator.ca_file, http2 = false, retry_base = 0 }
      for name, value in pairs(more or {}) do options[name] = value end
      local one = world.client(emulator, options)
      emulator:fault { headers = { RateLimit = '"a";r=1;t=50' }, times = 1 }
      assert(one:get_status(ids[1]))
      return one
   end

   it("is not used by an attempt that never left", function()
      local one <close> = client { proxy = proxy.url }
      proxy:fault { match = { method = "CONNECT" }, status = 503, times = 2 }
      assert(settle(one, one:start("get_status", ids[2])))
      assert.equal(4, proxy:counts().total)
      assert.equal(2, emulator:counts().total)
   end)

   it("is not used by a call that is cancelled before it left", function()
      local one <close> = client()
      local call = one:start("get_status", ids[2])
      one:step(0) -- it connects
      call:cancel()
      assert(settle(one, one:start("get_status", ids[3])))
      assert.equal(2, emulator:counts().total)
   end)

   it("is known again when older requests are answered, though one of them is not", function()
      emulator:set { quota = { limit = 8, window = 50 } }
      local one <close> = world.client(emulator, { base_url = emulator.url, max_connections = 8 })
      local calls = {}
      -- all are counted at once, and answered in the reverse order
      emulator:fault { match = { process_id = ids[1] }, delay_after = 20, times = 1 }
      emulator:fault { match = { process_id = ids[2] }, delay_after = 1, times = 1 }
      emulator:fault { match = { process_id = ids[2] }, delay_after = 0.5, times = 1 }
      for i, id in ipairs { ids[1], ids[2], ids[2], ids[3], ids[3] } do calls[i] = one:start("get_status", id) end
      for i = 2, 5 do assert(calls[i]:result()) end
      assert(one:get_status(ids[3]))
      assert.is_false(calls[1]:done())
      calls[1]:cancel()
   end)

   it("is over when its window is, however long the body was read", function()
      local told = {}
      local one <close> = world.client(emulator, { on_event = function(event)
         if event.type == "throttle" then told[#told + 1] = event end
      end })
      emulator:add_jobs(3000)
      emulator:fault { match = { kind = "list" }, headers = { RateLimit = '"a";r=0;t=1' }, times = 1 }
      local read = 0
      for _ in one:statuses { paginated = false } do
         read = read + 1
         if read == 1 then
            local until_then = os.time() + 2
            while os.time() <= until_then do one:step(0.2) end
         end
      end
      assert.equal(3003, read)
      assert(one:get_status(ids[1]))
      assert.same({}, told)
   end)
end)
