-- A server that answered a request twice, the second time late: over HTTP/1.1 the second answer lay
-- on the idle connection, and was taken for the response to the next request.
local socket = require "socket"
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local raw_server = require "spec.support.raw_server"
local world = require "spec.support.world"

describe("a response that comes twice, the second one late:", function()
   local emulator, balancer

   setup(function()
      emulator = emulators.start { clock = "virtual" }
      balancer = proxies.start { to = emulator.address }
   end)
   teardown(function()
      balancer:stop()
      emulator:stop()
   end)

   -- Two jobs, the first of which has been read; what came late lies on the connection.
   local function after_one(again)
      balancer:reset()
      emulator:reset()
      local ids = emulator:add_jobs { { status = "Completed" }, { status = "Completed" } }
      local client = world.client(emulator, { base_url = ("http://127.0.0.1:%d/image/v1"):format(balancer.port) })
      balancer:fault { again = again }
      assert.equal(ids[1], assert(client:get_status(ids[1])).process_id)
      socket.sleep(0.5) -- so long an answer is late at most; nothing is measured
      emulator:clear_log()
      return client, ids
   end

   for name, again in pairs {
      ["the answer"] = { delay = 0.02 }, ["a line feed"] = { delay = 0.02, text = "\r\n" },
      ["a success"] = { delay = 0.02, text = "HTTP/1.1 204 No Content\r\n\r\n" },
   } do
      it(name .. " is not taken for the next one", function()
         local client <close>, ids = after_one(again)
         assert.equal(ids[2], assert(client:get_status(ids[2])).process_id)
         assert.equal(1, world.seen(emulator))
         client:close()
         local other <close>, more = after_one(again)
         assert.is_true(other:delete_status(more[2]))
         assert.is_nil(emulator:job(more[2]))
         assert.equal(1, world.seen(emulator))
         other:close()
         local third <close> = after_one(again)
         assert.equal(2, (third:delete_all_statuses()))
         assert.equal(0, #emulator:jobs())
         assert.equal(1, world.seen(emulator))
      end)
   end
end)

-- Over TLS it may come in a record of its own together with the right one: the system has given it
-- away, and libcurl 8.22 does not look into its TLS library before the next request.
describe("a success that nobody asked for, in the segment of a response", function()
   for _, scheme in ipairs { "plain", "secure" } do
      it("is not taken for the next response: " .. scheme, function()
         local server = raw_server.start()
         finally(function() server:stop() end)
         local client <close> = topaz.client {
            api_key = "key-of-the-tests", base_url = server[scheme], ca_file = server.ca_file, http2 = false,
         }
         for _ = 1, 3 do
            server:play "records"
            assert.is_true((client:delete_status "00000000-0000-4000-8000-000000000001"))
            socket.sleep(1.1) -- so that libcurl looks at the connection; nothing is measured
            server:play "conflict"
            local ok, err = client:delete_status "00000000-0000-4000-8000-000000000002"
            assert.is_nil(ok)
            assert.equal("conflict", err.kind)
         end
      end)
   end
end)
