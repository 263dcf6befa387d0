-- The key is sent to the server, in one header, and is nowhere else:
-- in no error, event, tostring, token, traceback, URL or dump.
local topaz = require "topaz"
local world = require "spec.support.world"
local fault_table = require "spec.integration.fault_table"

local KEY = "SENTINEL-7d1f04c2-key"

-- Whether the key, or eight bytes of its beginning or end,
-- is in the value or in anything that can be reached from it.
local function holds_key(value, seen)
   seen = seen or {}
   if type(value) == "string" then
      return value:find(KEY, 1, true) or value:find(KEY:sub(1, 8), 1, true) or value:find(KEY:sub(-8), 1, true)
   elseif type(value) == "function" then
      local ok, dump = pcall(string.dump, value)
      if ok and holds_key(dump, seen) then return true end
      for i = 1, 255 do
         local name, up = debug.getupvalue(value, i)
         if not name then break end
         if not seen[value] and type(up) ~= "function" and holds_key(up, seen) then return true end
      end
      seen[value] = true
      return false
   elseif type(value) ~= "table" then
      return type(value) == "userdata" and holds_key(tostring(value), seen)
   end
   if seen[value] then return false end
   seen[value] = true
   for k, v in next, value do
      if holds_key(k, seen) or holds_key(v, seen) then return true end
   end
   return holds_key(tostring(value), seen)
end

local function clean(what, ...)
   for _, value in ipairs(table.pack(...)) do
      assert(not holds_key(value), what .. ": the key shows in " .. tostring(value):gsub(KEY, "<KEY>"))
   end
end

local function consume(cursor)
   for _ in cursor do end
   return true
end

local calls = {
   get = function(client, id) return client:get_status(id) end,
   page = function(client) return client:get_page { limit = 10 } end,
   list = function(client) return pcall(consume, client:statuses { prefetch = 0 }) end,
   delete = function(client, id) return client:delete_status(id) end,
   all = function(client) return client:delete_all_statuses() end,
   wait = function(client, id) return client:wait_until_done(id, { timeout = 0.05 }) end,
   watch = function(client, id) return client:wait_all({ id }, { timeout = 0.05 }) end,
   clean = function(client) return client:delete_finished() end,
}

-- These wait in between: only where their errors quote something.
local slow, telling = { wait = true, watch = true, clean = true },
   { [401] = true, [409] = true, [503] = true, [200] = true }

describe("the key", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual", key = KEY })

   local function client(more)
      local options = { max_retries = 1, attempt_timeout = 0.2 }
      for name, value in pairs(more or {}) do options[name] = value end
      return world.client(emulator(), options)
   end

   -- Each fault's own body and headers, with the key woven in:
   -- a server, or what stands before it, may show what it was sent.
   local function quoting(fault)
      local copy = {}
      for name, value in pairs(fault) do copy[name] = value end
      if copy.status and copy.status >= 300 then
         copy.body = ('{"code":1,"message":"no good: X-API-Key: %s"}'):format(KEY)
         copy.headers = { ["X-Request-Id"] = KEY }
         for name, value in pairs(fault.headers or {}) do copy.headers[name] = value end
      elseif copy.status == 200 then
         copy.body = "<html>X-API-Key: " .. KEY
      end
      return copy
   end

   local rows = {}
   for _, section in ipairs(fault_table) do
      for _, row in ipairs(section) do rows[#rows + 1] = row.fault and row end
   end

   for _, row in ipairs(rows) do
      it("stays hidden when the response is: " .. row.name, function()
         for name, call in pairs(calls) do
            if slow[name] and not telling[row.fault.status] then goto continue end
            emulator():reset()
            local id = emulator():add_jobs { status = "Completed" }[1]
            emulator():fault(quoting(row.fault))
            local events = {}
            local c <close> = client {
               on_event = function(e) events[#events + 1] = e end,
               -- else the pacer makes each wait for a second
               max_retries = row.fault.status == 429 and 0 or 1,
            }
            local results = table.pack(pcall(call, c, id))
            clean(name, table.unpack(results, 1, results.n))
            clean(name .. ", events", events)
            clean(name .. ", client", tostring(c), c:stats())
            assert.is_true(#events > 0)
            for _, request in ipairs(emulator():requests()) do
               -- the look-out does see it where it is
               assert.equal(KEY, request.headers["x-api-key"])
               request.headers["x-api-key"] = nil
               clean("what was sent", request)
            end
            ::continue::
         end
      end)
   end

   it("stays hidden when it is cut off within an excerpt", function()
      for _, before in ipairs { 170, 180, 185, 190, 195, 199, 201 } do
         for _, body in ipairs { '{"message":"%s"}', "%s" } do
            emulator():fault { status = 400, body = body:format(("x"):rep(before) .. KEY .. ("y"):rep(50)) }
            local c <close> = client()
            clean("cut at " .. before, select(2, c:get_page()))
            emulator():fault { status = 200, body = body:format(("x"):rep(before) .. KEY .. ("y"):rep(50)) }
            clean("cut at " .. before, select(2, c:get_page()))
         end
      end
   end)

   it("stays hidden when a redirect shows it", function()
      emulator():fault { redirect = "https://" .. KEY:lower() .. ".example/?k=" .. KEY, status = 302 }
      local c <close> = client()
      local _, err = c:get_page()
      assert.equal("unexpected_status", err.kind)
      assert.is_nil(tostring(err):find(KEY, 1, true))
   end)

   it("is in no userdata's text, token, traceback or dump", function()
      emulator():add_jobs { count = 7, status = "Completed" }
      local c <close> = client()
      local cursor, request = c:statuses { limit = 3 }, c:start "get_page"
      cursor()
      clean("tostring", tostring(c), tostring(cursor), tostring(request), cursor:token())
      clean("token", c:watch({ "00000000-0000-4000-8000-000000000000" }):token())
      local task = c:spawn(function() error(debug.traceback("here")) end)
      c:run()
      clean("task", tostring(task), select(2, pcall(task.result, task)))
      clean("traceback", select(2, xpcall(c.get_status, debug.traceback, c, "no id")))
      c:close()
      clean("closed", tostring(c), tostring(cursor), tostring(request), select(2, pcall(c.get_page, c)),
         select(2, request:result()))
      for name, module in pairs(package.loaded) do
         if name:find "^topaz" then clean(name, module) end
      end
   end)

   it("is not quoted when a client refuses it as a key", function()
      local function refused(options)
         local ok, err = pcall(topaz.client, options)
         assert.is_false(ok)
         return err
      end
      local url = emulator().url
      for _, wrong in ipairs { KEY .. "\n", KEY .. "\0", KEY .. "\xC3\xA4", " " .. KEY, KEY:rep(500) } do
         clean("a key with other bytes", refused { api_key = wrong, base_url = url })
      end
      assert.is_nil(refused { api_key = 7300000401, base_url = url }:find "7300000401")
      clean("a table", refused { api_key = { KEY }, base_url = url })
      clean("alone", refused(KEY))
      clean("a URL with it", refused { api_key = "k", base_url = "https://user:" .. KEY .. "@example.com" },
         refused { api_key = "k", base_url = "https://example.com/?key=" .. KEY },
         refused { api_key = "k", base_url = KEY })
   end)

   it("goes to no second origin", function()
      local other <close> = require("topaz.emulator").start { clock = "virtual" }
      emulator():fault { redirect = other.url .. "/status", times = math.huge }
      local c <close> = client()
      c:get_page()
      c:delete_all_statuses()
      assert.equal(0, other:counts().total)
   end)

   it("cannot be shown by libcurl's log, which no option turns on", function()
      for _, name in ipairs { "verbose", "debug", "log", "trace", "curl" } do
         assert.matches("unknown option",
            select(2, pcall(topaz.client, { api_key = KEY, base_url = emulator().url, [name] = true })))
      end
      local sources = io.popen "cat $(find csrc -name '*.[ch]')"
      local text = sources:read "a"
      sources:close()
      assert.is_true(#text > 10000)
      for _, name in ipairs { "CURLOPT_VERBOSE", "CURLOPT_DEBUGFUNCTION", "CURLOPT_STDERR", "CURLOPT_HEADER,",
         "CURLINFO_HEADER_OUT" } do
         assert.is_nil(text:find(name, 1, true), name)
      end
   end)
end)
