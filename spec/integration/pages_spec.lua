-- cursor:pages(), and when the next page is asked for.
local socket = require "socket"
local world = require "spec.support.world"

describe("cursor:pages()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local function sizes(options)
      local list = {}
      for page in client:statuses(options):pages() do list[#list + 1] = #page end
      return list
   end

   it("gives page after page, in the order of the statuses", function()
      emulator():add_jobs { count = 25, status = "Completed" }
      assert.same({ 10, 10, 5 }, sizes { limit = 10 })
      local one_by_one, paged = {}, {}
      for status in client:statuses { limit = 7 } do one_by_one[#one_by_one + 1] = status.process_id end
      for page in client:statuses { limit = 7 }:pages() do
         for _, status in ipairs(page) do paged[#paged + 1] = status.process_id end
      end
      assert.same(one_by_one, paged)
   end)

   it("ends exactly where the last page is full", function()
      emulator():add_jobs { count = 20, status = "Completed" }
      assert.same({ 10, 10 }, sizes { limit = 10 })
   end)

   it("gives nothing of an empty account, and leaves out pages in which nothing passes the filter", function()
      assert.same({}, sizes {})
      emulator():add_jobs { count = 20, status = "Completed" }
      emulator():add_jobs { count = 10, status = "Failed", age = 3600 }
      assert.same({ 10 }, sizes { limit = 10, where = { status = "Failed" } })
      assert.same({ 10, 10 }, sizes { limit = 10, where = { status = "Completed" } })
   end)

   it("cuts the plain array into batches of 100", function()
      emulator():add_jobs { count = 250, status = "Completed" }
      assert.same({ 100, 100, 50 }, sizes { paginated = false })
      assert.equal(1, world.seen(emulator()))
   end)

   it("gives a token behind each page", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local cursor = client:statuses { limit = 10 }
      local seen, token = 0, nil
      for page in cursor:pages() do
         seen, token = #page, cursor:token()
         break
      end
      for page in client:statuses { resume = token }:pages() do seen = seen + #page end
      assert.equal(#ids, seen)
   end)

   it("raises what goes wrong, and gives the page whole when asked again", function()
      emulator():add_jobs { count = 25, status = "Completed" }
      local broken <close> = world.client(emulator(), { max_retries = 0 })
      local next_page = broken:statuses { limit = 10, prefetch = 0 }:pages()
      assert.equal(10, #next_page())
      emulator():fault { truncate = { at = 2500, length = true } }
      local ok, err = pcall(next_page)
      assert.is_false(ok)
      assert.equal("network", err.kind)
      assert.equal(10, #next_page())
      assert.equal(5, #next_page())
      assert.is_nil(next_page())
   end)

   it("keeps the part of a page that an error left, for another iteration and for the token", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local broken <close> = world.client(emulator(), { max_retries = 0, attempt_timeout = 0.25 })
      local cursor = broken:statuses { limit = 10, prefetch = 0 }
      local next_page, seen = cursor:pages(), 0
      seen = seen + #next_page()
      local before = cursor:token()
      emulator():fault { stall = { at = 2500, seconds = 60 } }
      local ok, err = pcall(next_page)
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.equal(before, cursor:token()) -- what was collected has not been given
      local resumed = 0
      for page in client:statuses { resume = cursor:token() }:pages() do resumed = resumed + #page end
      assert.equal(#ids - 10, resumed)
      local got = {}
      for page in cursor:pages() do
         for _, status in ipairs(page) do got[status.process_id] = true end
         seen = seen + #page
         assert.not_equal(before, cursor:token())
      end
      assert.equal(#ids, seen)
      local count = 0
      for _ in pairs(got) do count = count + 1 end
      assert.equal(#ids - 10, count)
   end)

   it("tells a token that leads behind the last whole page when an error ends the loop", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local broken <close> = world.client(emulator(), { max_retries = 0, attempt_timeout = 0.25 })
      local cursor, seen = broken:statuses { limit = 10, prefetch = 0 }, 0
      emulator():fault { match = { kind = "list" }, after = 1, stall = { at = 2500, seconds = 60 } }
      local ok = pcall(function()
         for page in cursor:pages() do seen = seen + #page end
      end)
      assert.is_false(ok)
      assert.equal("topaz.cursor (closed)", tostring(cursor))
      for status in client:statuses { resume = cursor:token() } do seen = seen + (status and 1) end
      assert.equal(#ids, seen)
   end)

   it("closes its cursor when the loop is left", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      local cursor = client:statuses { limit = 10 }
      for _ in cursor:pages() do break end
      assert.equal("topaz.cursor (closed)", tostring(cursor))
      assert.equal(0, client:stats().pending)
   end)
end)

describe("the page after the present one", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- How many lists were asked for when `count` statuses had been given out.
   local function asked_after(count, options)
      local client <close> = world.client(emulator())
      local cursor <close> = client:statuses(options)
      for _ = 1, count do assert.is_table(cursor()) end
      client:step(0.1) -- lets what was asked for go out, and lets the server see it
      return emulator():counts().kinds.list
   end

   it("is asked for with the first status of this one", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      assert.equal(2, asked_after(1, { limit = 10 }))
   end)

   it("is asked for once only, and never beyond the one after it", function()
      emulator():add_jobs { count = 50, status = "Completed" }
      assert.equal(2, asked_after(10, { limit = 10 }))
      emulator():clear_log()
      assert.equal(3, asked_after(11, { limit = 10 }))
   end)

   it("is asked for by need with prefetch = 0", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      assert.equal(1, asked_after(10, { limit = 10, prefetch = 0 }))
      emulator():clear_log()
      assert.equal(2, asked_after(11, { limit = 10, prefetch = 0 }))
   end)

   -- How many statuses come where the caller works for longer than a call may
   -- take, behind the n-th.
   local function count_with_work(behind, options)
      local client <close> = world.client(emulator(), options)
      local count = 0
      for _ in client:statuses { limit = 10 } do
         count = count + 1
         if count == behind then socket.sleep(1.2) end
      end
      return count
   end

   it("has the whole time of a call from when it is turned to, however long the page before was worked on", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, delay = 1.4 }
      assert.equal(30, count_with_work(10, { timeout = 1 }))
      assert.equal(3, world.seen(emulator(), "list"))
   end)

   it("may be lost and asked for again although its first records took longer than a call may", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      emulator():fault { match = { kind = "list" }, stall = { at = 2500, seconds = 60 } }
      assert.equal(30, count_with_work(4, { timeout = 1, attempt_timeout = 0.25 }))
      assert.equal(4, world.seen(emulator(), "list"))
   end)

   it("is asked for before this one is whole when its cursor came first", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      emulator():fault { pagination_first = true, stall = { at = 3000, seconds = 2 } }
      assert.equal(2, asked_after(1, { limit = 10 }))
   end)
end)
