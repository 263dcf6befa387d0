-- A finalizer runs wherever Lua makes a value, also in the midst of reading a page. One that closed the cursor which was being read
-- freed the bytes under the reader; one that closed the client, just before a call began, had the call use what was freed.
local world = require "spec.support.world"

describe("a finalizer that runs while a page is read", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   before_each(function() emulator():add_jobs { count = 100, status = "Completed" } end)
   after_each(function() collectgarbage("incremental", 200, 100, 13) end)

   -- Calls f while garbage is collected at nearly every step; the finalizers call `act` once, the `turn`-th of them.
   local function disturb(turn, act, f)
      local count, acted = 0, false
      local function lay()
         setmetatable({}, { __gc = function()
            count = count + 1
            if count == turn then
               acted = true
               act()
            elseif not acted then
               lay()
            end
         end })
      end
      collectgarbage("incremental", 4, 1000, 8)
      collectgarbage() -- behind it: each cycle's end says when the next one begins
      lay()
      local result = table.pack(pcall(f))
      collectgarbage("incremental", 200, 100, 13)
      collectgarbage()
      return acted, table.unpack(result, 1, result.n)
   end

   local function count_of(cursor)
      local count = 0
      for _ in cursor do count = count + 1 end
      return count
   end

   -- f makes what is to be disturbed: act, and what to do meanwhile; check looks at what came of it.
   local function all_turns(f, check)
      local acted_at_all = 0
      for turn = 1, 40, 3 do
         local client = world.client(emulator())
         local act, work = f(client)
         local result = table.pack(disturb(turn, act, work))
         if result[1] then acted_at_all = acted_at_all + 1 end
         check(table.unpack(result, 1, result.n))
         client:close()
      end
      assert.is_true(acted_at_all > 2)
   end

   it("may close the cursor", function()
      all_turns(function(client)
         local cursor = client:statuses()
         return function() cursor:close() end, function() return count_of(cursor) end
      end, function(acted, ok, result)
         if ok then assert.equal(100, result) else assert.is_true(acted and result.kind == "closed") end
      end)
   end)

   it("may close the client", function()
      all_turns(function(client)
         local cursor = client:statuses()
         return function() client:close() end, function() return count_of(cursor), client:stats(), client:get_page() end
      end, function(acted, ok, result)
         if not ok then assert.is_true(acted and result.kind == "closed") end
      end)
   end)

   it("may close the client between the look whether it is open and the call's beginning", function()
      for _, name in ipairs { "get_page", "get_status", "delete_status", "delete_all_statuses" } do
         local client, closed = world.client(emulator()), false
         local call, id = client[name], name:find "status$" and "00000000-0000-4000-8000-000000000001" or nil
         collectgarbage() -- a cycle has ended
         collectgarbage "stop"
         setmetatable({}, { __gc = function()
            client:close()
            closed = true
         end })
         collectgarbage("incremental", 200, 100, 40) -- the next one is a single step, at the first value that the call makes
         collectgarbage "restart"
         local ok, err = pcall(call, client, id)
         collectgarbage("incremental", 200, 100, 13)
         assert.same({ true, false }, { closed, ok })
         assert.same({ "closed", name }, { err.kind, err.operation }) -- the look alone would name the client
      end
   end)

   it("may not read the same cursor, which loses nothing", function()
      local refused = 0
      all_turns(function(client)
         local cursor, inner = client:statuses(), 0
         return function()
            local ok, status = pcall(cursor)
            if ok and status then inner = 1
            elseif not ok and tostring(status):find "inside itself" then refused = refused + 1 end
         end, function() return count_of(cursor) + inner end
      end, function(_, ok, result)
         assert.is_true(ok)
         assert.equal(100, result)
      end)
      assert.is_true(refused > 0)
   end)

   it("may ask the same request, and cancel or close it", function()
      for _, deed in ipairs { "result", "cancel", "close" } do
         all_turns(function(client)
            local request = client:start("get_page", { limit = 100 })
            while not request:done() do client:step(0.1) end
            return function()
               if deed == "close" then local _ <close> = request else pcall(request[deed], request) end
            end, function() return request:result() end
         end, function(_, ok, page, err)
            if ok and page then assert.equal(100, #page.data) else assert.equal("cancelled", err.kind) end
         end)
      end
   end)
end)
