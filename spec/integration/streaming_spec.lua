-- Lists while they arrive: what waits where, what a stop ends, and where a token leads.
local topaz = require "topaz"
local world = require "spec.support.world"

local function resident()
   local file = assert(io.open "/proc/self/statm")
   local pages = file:read("a"):match "^%d+ (%d+)"
   file:close()
   return tonumber(pages) * 4 -- kB
end

describe("the plain array", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local RECORD = '{"process_id":"00000000-0000-4000-8000-%012d","status":"Completed","filename":"%s"}'

   -- A response of `count` statuses of some 500 bytes; an endless one without a count.
   local function long_list(count)
      local unit = RECORD:format(1, ("x"):rep(400)) .. ","
      return { status = 200,
         repeat_body = { prefix = "[", unit = unit, count = count, suffix = RECORD:format(2, "y") .. "]" } }
   end

   it("gives its first status before the end is sent", function()
      emulator():add_jobs { count = 200, status = "Completed" }
      emulator():fault { stall = { at = 4000, seconds = 30 } }
      local client <close> = world.client(emulator())
      local cursor <close> = client:statuses { paginated = false }
      for _ = 1, 5 do assert.is_table(cursor()) end
      assert.equal(0, emulator():counts().finished)
   end)

   it("waits in a bounded buffer while the caller does not ask", function()
      emulator():fault(long_list())
      local client <close> = world.client(emulator())
      local cursor <close> = client:statuses { paginated = false }
      assert.is_table(cursor())
      collectgarbage()
      local before = resident()
      for _ = 1, 300 do client:step(0.001) end -- the network is there, the caller is not
      assert.is_true(resident() - before < 2048, "the transfer did not pause")
   end)

   it("keeps its memory flat over forty thousand statuses", function()
      emulator():fault(long_list(40000))
      local client <close> = world.client(emulator())
      local count, before = 0, nil
      for _ in client:statuses { paginated = false } do
         count = count + 1
         if count == 5000 then
            collectgarbage()
            before = resident()
         end
      end
      collectgarbage()
      assert.equal(40001, count)
      -- A sanitizer keeps what was freed.
      if package.cpath:find("build/?.so", 1, true) then assert.is_true(resident() - before < 4096) end
   end)

   it("ends its connection when the loop is left, for a new one later", function()
      emulator():fault(long_list())
      local client <close> = world.client(emulator())
      for _ in client:statuses { paginated = false } do break end
      assert.equal(0, client:stats().pending)
      emulator():clear_faults()
      assert(client:get_page())
      assert.equal(2, client:stats().connections)
   end)

   it("keeps to max_bytes where one is given", function()
      emulator():fault(long_list())
      local client <close> = world.client(emulator())
      local ok, err = pcall(function() for _ in client:statuses { paginated = false, max_bytes = 1e6 } do end end)
      assert.is_false(ok)
      assert.equal("too_large", err.kind)
   end)
end)

describe("a page whose last bytes mislead", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local function page(cursor, tail)
      return { match = { kind = "list" }, status = 200,
         body = ([[{"data":[{"process_id":"%s","status":"Pending"}],"pagination":%s%s}]]):format(
            "00000000-0000-4000-8000-000000000001",
            cursor and ('{"has_next_page":true,"next_cursor":"%s"}'):format(cursor) or '{"has_next_page":false}',
            tail or "") }
   end

   local function cursors()
      local list = {}
      for _, request in ipairs(emulator():requests()) do list[#list + 1] = request.args.cursor or "-" end
      return list
   end

   it("is believed by its own pagination only", function()
      emulator():fault(page("right", [[,"other":{"pagination":{"has_next_page":true,"next_cursor":"wrong"}}]]))
      emulator():fault { match = { kind = "list" }, after = 0, status = 200,
         body = '{"data":[],"pagination":{"has_next_page":false}}', times = math.huge }
      local client <close> = world.client(emulator())
      local count = 0
      for _ in client:statuses() do count = count + 1 end
      assert.equal(1, count)
      assert.equal("right", cursors()[#cursors()])
   end)

   it("is the last one when its pagination says so, whatever another member says", function()
      emulator():fault(page(nil, [[,"other":{"pagination":{"has_next_page":true,"next_cursor":"wrong"}}]]))
      emulator():fault { match = { kind = "list" }, status = 200,
         body = '{"data":[],"pagination":{"has_next_page":false}}', times = math.huge }
      local client <close> = world.client(emulator())
      local count = 0
      for _ in client:statuses() do count = count + 1 end
      assert.equal(1, count)
      assert.equal(0, client:stats().pending)
   end)
end)

describe("a token", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("goes on in another process", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local client <close> = world.client(emulator())
      local cursor <close> = client:statuses { limit = 10 }
      for _ = 1, 14 do cursor() end
      local said = world.script(([[
         local client <close> = require("topaz").client { api_key = %q, base_url = %q }
         local count = 0
         for _ in client:statuses { resume = %q } do count = count + 1 end
         print(count)
      ]]):format(emulator().key, emulator().url, cursor:token()))
      assert.equal(#ids - 14, tonumber(said))
   end)

   it("is right after the loop was left, wherever that was", function()
      local ids = emulator():add_jobs { count = 45, status = "Completed" }
      local client <close> = world.client(emulator())
      for stop = 1, 44 do
         local cursor, count = client:statuses { limit = 20 }, 0
         for _ in cursor do
            count = count + 1
            if count == stop then break end
         end
         for _ in client:statuses { resume = cursor:token() } do count = count + 1 end
         assert.equal(#ids, count)
      end
   end)

   it("is right after an error, and holds no key", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local client <close> = world.client(emulator(), { max_retries = 0 })
      local cursor <close> = client:statuses { limit = 10, prefetch = 0 }
      local seen = {}
      for _ = 1, 10 do seen[cursor().process_id] = true end
      emulator():fault { truncate = { at = 1500, length = true } }
      local ok, err
      repeat
         local status
         ok, status = pcall(cursor)
         if ok then seen[status.process_id] = true else err = status end
      until not ok
      assert.equal("network", err.kind)
      local token = cursor:token()
      assert.is_nil(token:find(emulator().key, 1, true))
      assert.matches("^[%w%-%._~%%]+$", token)
      local other <close> = topaz.client(world.options(emulator()))
      for status in other:statuses { resume = token } do
         assert.is_nil(seen[status.process_id])
         seen[status.process_id] = true
      end
      local count = 0
      for _ in pairs(seen) do count = count + 1 end
      assert.equal(#ids, count)
   end)
end)
