-- The server's clock was learned from any response. An error of a balancer whose clock was years
-- ahead made every status old, and delete_finished { older_than = … } deleted them all.
local world = require "spec.support.world"

local AHEAD = "Fri, 01 Jan 2100 00:00:00 GMT"

describe("a clock that is years ahead", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real", skew = -0.5 })

   it("teaches nothing in an error", function()
      local client <close> = world.client(emulator(), { max_retries = 1 })
      emulator():fault { status = 503, body = "", headers = { Date = AHEAD, ["Retry-After"] = AHEAD } }
      assert(client:get_page {})
      local skew = client:stats().clock_skew
      for _, code in ipairs { 302, 400, 404, 407, 409, 500 } do
         emulator():fault { status = code, body = "{}", headers = { Date = AHEAD } }
         client:get_page {}
         assert.is_true(client:stats().clock_skew <= skew + 60, code)
      end
   end)

   local function add()
      local now, young = emulator():now(), {}
      for i = 1, 20 do
         young[i] = emulator():add_jobs({ { status = "Completed", modification_time = math.floor(now - 60 - i) } })[1]
         emulator():add_jobs({ { status = "Completed", modification_time = math.floor(now - 90000 - i) } })
      end
      return young
   end

   -- With what a server or a balancer before it may say, each time only what is old is deleted.
   for name, fault in pairs {
      ["an error before the list"] = { match = { kind = "list" }, status = 503, body = "", headers = { Date = AHEAD } },
      ["the list itself"] = { match = { kind = "list" }, headers = { Date = AHEAD }, times = math.huge },
      ["the first list"] = { match = { kind = "list" }, headers = { Date = AHEAD } },
      ["the deletions"] = { match = { kind = "delete_one" }, headers = { Date = AHEAD }, times = math.huge },
   } do
      it("deletes nothing young when it is that of " .. name, function()
         local young = add()
         emulator():fault(fault)
         local client <close> = world.client(emulator(), { retry_base = 0.01 })
         local report = assert(client:delete_finished { older_than = 3600 })
         assert.equal(20, report.deleted)
         emulator():clear_faults()
         for _, id in ipairs(young) do assert(client:get_status(id)) end
      end)
   end
end)
