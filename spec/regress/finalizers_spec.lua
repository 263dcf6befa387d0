-- A finalizer runs wherever Lua makes a value, also while a page is read.
-- One that closed the cursor which was being read freed the bytes under the reader;
-- one that closed the client, just before a call began, had the call use what was freed.
local collector = require "spec.support.collector"
local disturb = require "spec.support.disturb"
local world = require "spec.support.world"

if world.alone(describe, it, "spec/regress/finalizers_spec.lua") then return end

describe("a finalizer that runs while a page is read", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   before_each(function() emulator():add_jobs { count = 100, status = "Completed" } end)
   after_each(function() collector.usual() end)

   local function count_of(cursor)
      local count = 0
      for _ in cursor do count = count + 1 end
      return count
   end

   -- f makes what is to be disturbed: act, and what to do meanwhile;
   -- check looks at what came of it.
   local function all_turns(f, check, step)
      local acted_at_all = 0
      for turn = 1, 40, step or 3 do
         local client = world.client(emulator())
         local act, work = f(client)
         local result = table.pack(disturb(turn, act, work, 8))
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
         -- the next one is a single step, at the first value that the call makes
         collector.incremental(200, collector.ONE_CYCLE)
         collectgarbage "restart"
         local ok, err = pcall(call, client, id)
         collector.usual()
         assert.same({ true, false }, { closed, ok })
         -- the look alone would name the client
         assert.same({ "closed", name }, { err.kind, err.operation })
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

   -- What a finalizer may do with the cursor that is being read, and with its client;
   -- each gives what it got of the list.
   local deeds = {
      ["ask for its token, and resume there"] = function(client, cursor)
         for _ in client:statuses { resume = cursor:token() } do break end
      end,
      ["print it"] = function(_, cursor) assert.matches("^topaz.cursor %(open%)$", tostring(cursor)) end,
      ["read its pages"] = function(_, cursor)
         local ok, page = pcall(function()
            for page in cursor:pages() do return page end
         end)
         assert.is_true(ok or page.kind == "closed" or tostring(page):find("inside itself", 1, true) ~= nil)
      end,
      ["read a page's rest"] = function(_, cursor) return pcall(cursor.in_page, cursor) end,
      ["step the client"] = function(client) for _ = 1, 3 do client:step(0.001) end end,
      ["make a blocking call"] = function(client) client:get_status "00000000-0000-4000-8000-000000000001" end,
      ["list by another cursor"] = function(client) count_of(client:statuses { limit = 30 }) end,
      ["list the plain array"] = function(client) count_of(client:statuses { paginated = false }) end,
      ["collect all garbage"] = function() collectgarbage() end,
   }
   for name, deed in pairs(deeds) do
      it(("may %s"):format(name), function()
         for _, paginated in ipairs { true, false } do
            all_turns(function(client)
               local cursor, inner = client:statuses { limit = 40, paginated = paginated }, 0
               return function()
                  local ok, status = deed(client, cursor)
                  if ok == true and status then inner = 1 end
               end, function() return count_of(cursor) + inner end
            end, function(_, ok, result)
               -- the loop of the finalizer closes it
               if name == "read its pages" then assert.is_true(ok or result.kind == "closed")
               else assert.same({ true, 100 }, { ok, result }) end
            end, 9)
         end
      end)
   end

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
