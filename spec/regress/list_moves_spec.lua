-- A list that changes while it is read.
-- New jobs push records to the next page, and what was given last off the page that is read again:
-- a page without the status given last was given from its beginning. A loop that deletes what
-- it gets left the plain array without a place to go on: an error, as often as it was asked.
local world = require "spec.support.world"

describe("a list that changes while it is read", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- The answer stops in the midst of itself,
   -- which a client with these options takes for a lost connection.
   -- (Bytes that come together with the end of the connection would not be given at all.)
   local function stop_at(bytes, times)
      emulator():fault { match = { kind = "list" }, stall = { at = bytes, seconds = 60 }, times = times }
   end
   local IMPATIENT = { attempt_timeout = 0.25 }

   -- Checks that `got` has each of `ids` once (and whatever else once).
   local function each_once(ids, got)
      local seen = {}
      for _, id in ipairs(got) do
         assert.is_nil(seen[id], "given twice: " .. id)
         seen[id] = true
      end
      for _, id in ipairs(ids) do assert.is_true(seen[id], "lost: " .. id) end
   end

   local function append(got, cursor, most)
      for _ = 1, most or math.huge do
         local status = cursor()
         if not status then break end
         got[#got + 1] = status.process_id
      end
      return got
   end

   -- An answer whose records have these numbers.
   local function page(numbers, next_cursor)
      local records = {}
      for i, n in ipairs(numbers) do
         records[i] = ('{"process_id":"00000000-0000-4000-8000-%012d","status":"Completed"}'):format(n)
      end
      emulator():fault { match = { kind = "list" }, status = 200,
         body = ('{"data":[%s],"pagination":%s}'):format(table.concat(records, ","),
            next_cursor and ('{"has_next_page":true,"next_cursor":"%s"}'):format(next_cursor)
            or '{"has_next_page":false}') }
   end

   local function numbers(cursor)
      local got = {}
      for status in cursor do got[#got + 1] = tonumber(status.process_id:sub(-12)) end
      return got
   end

   describe("gives nothing twice when a page is read again", function()
      it("after an error", function()
         local ids = emulator():add_jobs { count = 10, status = "Completed", age = 100 }
         local client <close> = world.client(emulator(), { max_retries = 0, attempt_timeout = 0.25 })
         local cursor <close> = client:statuses { limit = 5, prefetch = 0 }
         stop_at(2400)
         local got, ok, err = {}, true, nil
         while ok do
            ok, err = pcall(function() append(got, cursor, 1) end)
         end
         assert.equal("timeout", err.kind)
         assert.equal(4, #got)
         local new = emulator():add_jobs { count = 3, status = "Completed" }
         append(got, cursor)
         each_once(ids, got)
         each_once(new, got)
      end)

      it("by a retry inside the call", function()
         for _, paginated in ipairs { true, false } do
            emulator():reset()
            local ids, new = emulator():add_jobs { count = 10, status = "Completed", age = 100 }, nil
            local client <close> = world.client(emulator(), { attempt_timeout = 0.25, on_event = function(event)
               if event.type == "retry" then new = emulator():add_jobs { count = 3, status = "Completed" } end
            end })
            stop_at(2400)
            local cursor <close> = client:statuses { limit = 5, paginated = paginated, prefetch = 0 }
            local got = append({}, cursor, 4)
            assert.is_nil(new)
            append(got, cursor)
            each_once(ids, got)
            each_once(new, got)
         end
      end)

      it("for a token", function()
         for stop = 1, 9 do
            emulator():reset()
            local ids = emulator():add_jobs { count = 10, status = "Completed", age = 100 }
            local client <close> = world.client(emulator())
            local cursor <close> = client:statuses { limit = 5 }
            local got = append({}, cursor, stop)
            local token = cursor:token()
            emulator():add_jobs { count = 3, status = "Completed" }
            local resumed <close> = client:statuses { resume = token }
            append(got, resumed, 1)
            append(got, client:statuses { resume = resumed:token() })
            each_once(ids, got)
         end
      end)
   end)

   describe("gives nothing twice that was pushed to the next page", function()
      it("within one iteration", function()
         page({ 1, 2, 3 }, "a")
         page({ 2, 3, 4 }, "b")
         page({ 4, 5, 6 })
         local client <close> = world.client(emulator())
         assert.same({ 1, 2, 3, 4, 5, 6 }, numbers(client:statuses()))
      end)

      it("when that is a whole page", function()
         page({ 1, 2, 3 }, "a")
         page({ 1, 2, 3 }, "b")
         page({ 4 })
         local client <close> = world.client(emulator())
         assert.same({ 1, 2, 3, 4 }, numbers(client:statuses()))
      end)

      it("after a token between two pages", function()
         page({ 1, 2, 3 }, "a")
         local client <close> = world.client(emulator())
         local cursor <close> = client:statuses { limit = 3, prefetch = 0 }
         append({}, cursor, 3)
         page { 2, 3, 4 }
         assert.same({ 4 }, numbers(client:statuses { resume = cursor:token() }))
      end)

      it("also the largest of pages", function()
         local first, second, wanted = {}, {}, {}
         for i = 1, 100 do first[i], second[i] = i, 50 + i end
         for i = 1, 150 do wanted[i] = i end
         page(first, "a")
         page(second)
         local client <close> = world.client(emulator())
         assert.same(wanted, numbers(client:statuses()))
      end)
   end)

   it("gives what did not pass the filter of one page and passes it on the next", function()
      local record = '{"process_id":"x%d","status":"%s"}'
      local function answer(first, second, more)
         emulator():fault { match = { kind = "list" }, status = 200,
            body = ('{"data":[%s,%s],"pagination":%s}'):format(record:format(1, first),
               record:format(2, second),
               more and '{"has_next_page":true,"next_cursor":"a"}' or '{"has_next_page":false}') }
      end
      answer("Completed", "Pending", true)
      answer("Completed", "Completed")
      local client <close> = world.client(emulator())
      local got = append({}, client:statuses { where = { status = "Completed" } })
      assert.same({ "x1", "x2" }, got)
   end)

   it("gives two statuses whose ids begin alike, or hold a NUL", function()
      local long = ("x"):rep(200)
      for _, ids in ipairs { { long .. "1", long .. "2" }, { "a\\u0000b", "a\\u0000c" }, { "a\\u0000b", "a" },
         { long, long:sub(1, 127) } } do
         for i = 1, 2 do
            emulator():fault { match = { kind = "list" }, status = 200,
               body = ('{"data":[{"process_id":"%s","status":"x"}],"pagination":%s}'):format(
                  ids[i], i == 1 and '{"has_next_page":true,"next_cursor":"a"}' or '{"has_next_page":false}') }
         end
         local client <close> = world.client(emulator())
         assert.equal(2, #append({}, client:statuses()))
      end
   end)

   describe("in the plain array goes on", function()
      local function delete(client, id) assert(client:delete_status(id)) end

      -- Reads `count` jobs by a connection that is cut after some two thirds;
      -- f(n, id) sees what is given. Returns ids, got, lists asked.
      local function read_cut(count, f)
         emulator():reset()
         local ids = emulator():add_jobs { count = count, status = "Completed" }
         local reader <close> = world.client(emulator(), IMPATIENT)
         local deleter <close> = world.client(emulator())
         stop_at(count * 400)
         local got = {}
         for status in reader:statuses { paginated = false } do
            got[#got + 1] = status.process_id
            f(deleter, #got, status.process_id, got)
         end
         return ids, got, world.seen(emulator(), "list")
      end

      it("when all that was given is deleted", function()
         local ids, got, lists = read_cut(60, function(client, _, id) delete(client, id) end)
         each_once(ids, got)
         assert.equal(2, lists)
      end)

      it("when the status given last is deleted", function()
         local ids, got, lists = read_cut(60, function(client, n, id)
            if n % 2 == 0 then delete(client, id) end
         end)
         each_once(ids, got)
         assert.equal(2, lists)
      end)

      it("behind more than it remembers", function()
         local ids, got, lists = read_cut(2400, function(client, n, id)
            if n > 1400 and n % 2 == 0 then delete(client, id) end
         end)
         each_once(ids, got)
         assert.equal(2, lists)
      end)

      it("from the beginning when all that it remembers is gone", function()
         local ids, got, lists = read_cut(2400, function(client, n, id, given)
            if n == 1500 then
               for i = 301, 1500 do delete(client, given[i]) end
            elseif n > 1500 and n < 1700 then
               delete(client, id)
            end
         end)
         local seen, twice = {}, 0
         for _, id in ipairs(got) do
            if seen[id] then twice = twice + 1 end
            seen[id] = true
         end
         for _, id in ipairs(ids) do assert.is_true(seen[id]) end
         assert.equal(300, twice)
         assert.equal(3, lists)
      end)

      it("however often the connection breaks", function()
         emulator():add_jobs { count = 60, status = "Completed" }
         local reader <close> = world.client(emulator(), { max_retries = 0, attempt_timeout = 0.25 })
         local deleter <close> = world.client(emulator())
         local cursor <close> = reader:statuses { paginated = false }
         stop_at(5000, 8)
         local got, errors = {}, 0
         while true do
            local ok, status = pcall(cursor)
            if ok and not status then break end
            if ok then
               got[#got + 1] = status.process_id
               delete(deleter, status.process_id)
            else
               errors = errors + 1
               assert.equal("timeout", status.kind)
            end
         end
         each_once({}, got)
         assert.equal(60, #got)
         assert.equal(7, errors) -- each time after the first eight that are left
      end)
   end)
end)
