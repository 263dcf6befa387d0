-- Each fault on each operation, as fault_table.lua states it: the outcome, and the number of requests the server saw.
local socket = require "socket"
local topaz = require "topaz"
local emulators = require "spec.emulator"
local h2_server = require "spec.support.h2_server"
local world = require "spec.support.world"

local calls = {
   get = function(client, id) return client:get_status(id) end,
   page = function(client) return client:get_page { limit = 10 } end,
   list = function(client)
      local ok, err = pcall(function()
         local count = 0
         for _ in client:statuses { prefetch = 0 } do count = count + 1 end
         if count ~= 1 then error { kind = count .. " statuses" } end
      end)
      if ok then return true end
      return nil, err
   end,
   delete = function(client, id) return client:delete_status(id) end,
   all = function(client) return client:delete_all_statuses() end,
}
local names = { "get", "page", "list", "delete", "all" }

local function outcome(first, second)
   if first then
      if second == "already_gone" then return "gone" end
      return second or "ok"
   end
   if type(second) == "string" then error(second) end
   assert.is_nil(tostring(second):find "%c")
   return second.kind .. (second.outcome and "/" .. second.outcome or "")
end

-- What the API would answer to an operation on the one job there is.
local ID = "00000000-0000-4000-8000-000000000001"
local record = ('{"process_id":"%s","status":"Completed"}'):format(ID)
local list = ('{"data":[%s],"pagination":{"has_next_page":false}}'):format(record)
local bodies = { get = record, page = list, list = list, delete = "", all = '{"deleted_count":1}' }

local function with_body(text, body)
   local chunk = (body == "" and "" or ("%x\r\n%s\r\n"):format(#body, body)) .. "0\r\n\r\n"
   return (text:gsub("%u+", { BODY = body, LENGTH = #body, CHUNK = chunk }))
end

local function copy(from, more)
   local to = {}
   for name, value in pairs(from) do to[name] = value end
   for name, value in pairs(more or {}) do to[name] = value end
   return to
end

describe("fault:", function()
   local running = {} -- emulators and other servers, by name: for each operation its own, so that all of a row run at once

   local function once(name, start, ...)
      running[name] = running[name] or start(...)
      return running[name]
   end

   local function emulator(name) return once(name or "get", emulators.start, { clock = "virtual" }) end

   teardown(function()
      for _, server in pairs(running) do (server.stop or server.close)(server) end
   end)
   before_each(function() emulator():reset() end)

   -- The servers that a row may name: options of the client, and how many requests it saw.
   local function with_certificate(kind, trusted)
      return function()
         local server = once(kind, emulators.start, { tls = kind })
         return { base_url = server.tls_url, ca_file = trusted and server.ca_file or nil }, function() return world.seen(server) end
      end
   end
   local function none() return 0 end
   local servers = {
      unresolved = function() return { base_url = "http://" .. ("x"):rep(64) .. ".invalid", allow_insecure = true }, none end,
      refused = function() return { base_url = "http://127.0.0.1:1" }, none end,
      silent = function()
         local listener = once("silent", socket.bind, "127.0.0.1", 0)
         return { base_url = "https://127.0.0.1:" .. select(2, listener:getsockname()) }, none
      end,
      plain = function() return { base_url = (emulator().url:gsub("^http:", "https:")) }, function() return world.seen(emulator()) end end,
      unknown_ca = with_certificate("good", false),
      self_signed = with_certificate("self_signed", true),
      wrong_host = with_certificate("wrong_host", true),
      expired = with_certificate("expired", true),
   }

   local function h2(row, name)
      local server = once("h2 " .. name, h2_server.start)
      server:play(row.h2, row.times, name == "delete" and 204 or 200, bodies[name])
      return { base_url = server.url, ca_file = server.ca_file }, function() return server:seen() end
   end

   -- Sets the scene for a cell: options of the client, what counts the requests, and the id to ask for.
   local function prepare(row, name)
      if row.server then return servers[row.server]() end
      if row.h2 then return h2(row, name) end
      local server, fault = emulator(name), copy(row.fault)
      server:reset()
      -- What is written by hand has the job that the list has: a list that is read again finds its place.
      local id = server:add_jobs { status = "Completed", process_id = fault.raw and ID or nil }[1]
      if fault.raw then fault.raw = with_body(fault.raw, bodies[name]) end
      server:fault(fault)
      return { base_url = server.url }, function() return world.seen(server) end, id
   end

   -- What came of all cells of a row, by operation: { outcome and requests, attempts }.
   local function run(row)
      local scenes, left = {}, 0
      for _, name in ipairs(names) do
         if row.cells[name] then
            local options, seen, id = prepare(row, name)
            local client = world.client(emulator(), copy(copy({ max_retries = 2, attempt_timeout = 5 }, options), row.client))
            local scene = { client = client }
            scenes[name], left = scene, left + 1
            client:spawn(function()
               local ok, got = pcall(function() return outcome(calls[name](client, id or ID)) end)
               scene.got = ("%s %d"):format(ok and got or "error: " .. tostring(got), seen())
               scene.unseen = client:stats().attempts - tonumber(scene.got:match "%d+$")
               left = left - 1
            end)
         end
      end
      while left > 0 do
         for _, scene in pairs(scenes) do scene.client:step(0.001) end
      end
      for _, scene in pairs(scenes) do scene.client:close() end
      return scenes
   end

   for _, section in ipairs(require "spec.integration.fault_table") do
      describe(section.title .. ":", function()
         for _, row in ipairs(section) do
            local scenes
            for _, name in ipairs(names) do
               local expected = row.cells[name]
               if expected then
                  it(row.name .. ", " .. name, function()
                     scenes = scenes or run(row)
                     local scene = scenes[name]
                     if not (" | " .. expected .. " | "):find(" | " .. scene.got .. " | ", 1, true) then
                        assert.equal(expected, scene.got)
                     end
                     if not row.server then assert.equal(0, scene.unseen) end
                  end)
               end
            end
         end
      end)
   end

   it("faults.md shows the table", function()
      local file = assert(io.open "spec/integration/faults.md")
      assert.equal(require "spec.support.fault_page"(), file:read "a")
      file:close()
   end)

   it("what was surely not sent is tried as often as any other", function()
      for _, name in ipairs(names) do
         local client <close> = world.client(emulator(), { base_url = "http://127.0.0.1:1", max_retries = 2 })
         local ok, err = calls[name](client, ID)
         assert.is_nil(ok)
         assert.equal(3, err.attempts)
      end
   end)

   it("the key never follows a redirect", function()
      local other <close> = emulators.start { tls = true }
      for _, code in ipairs { 301, 302, 303, 307, 308 } do
         for _, url in ipairs { other.url, other.tls_url } do
            for _, name in ipairs(names) do
               emulator():fault { status = code, redirect = url .. "/status" }
               local client <close> = world.client(emulator(), { ca_file = other.ca_file })
               local ok, err = calls[name](client, ID)
               assert.is_nil(ok)
               assert.equal(code, err.http_status)
               assert.matches(url:match "^%w+://[^/]+", tostring(err), 1, true)
               assert.is_nil(tostring(err):find("/status", 1, true))
            end
         end
      end
      assert.equal(0, other:counts().connections)
      assert.equal(0, other:counts().total)
   end)

   it("a gigabyte out of a megabyte takes less memory than max_bytes", function()
      local clear = io.open("/proc/self/clear_refs", "w")
      if not clear then return pending "no /proc" end
      local function peak() return tonumber(io.open("/proc/self/status"):read("a"):match "VmHWM:%s+(%d+)") end
      local client <close> = world.client(emulator())
      emulator():add_jobs { count = 100, status = "Completed" }
      assert(client:get_page { limit = 100 })
      collectgarbage()
      clear:write "5\n"
      clear:close()
      local before = peak()
      emulator():fault { gzip_bomb = 1e9 }
      local _, err = client:get_page()
      assert.equal("too_large", err.kind)
      assert.is_true(peak() - before < 65536, ("%d kB more at its peak"):format(peak() - before))
   end)

   it("a dying reused connection: still one send per attempt", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator(), { max_retries = 0 })
      assert(client:get_page())
      emulator():clear_log()
      emulator():fault { drop = "before", times = 3 }
      local ok, err = client:delete_status(id)
      assert.is_nil(ok)
      assert.equal("network", err.kind)
      assert.equal("unknown", err.outcome)
      assert.matches("get it", tostring(err))
      assert.equal(1, world.seen(emulator()))
      emulator():clear_faults()
      assert(client:get_page())
      emulator():clear_log()
      emulator():fault { drop = "before", times = 3 }
      assert.equal("unknown", select(2, client:delete_all_statuses()).outcome)
      assert.equal(1, world.seen(emulator()))
   end)

   it("a Retry-After is never undercut, and a longer one than the call may take fails at once", function()
      emulator():fault { status = 429, body = "", headers = { ["Retry-After"] = "1" } }
      local client <close> = world.client(emulator())
      local began = topaz.core.now()
      assert(client:get_page())
      assert.is_true(topaz.core.now() - began >= 1)
      emulator():fault { status = 503, body = "", headers = { ["Retry-After"] = "30" } }
      local hasty <close> = world.client(emulator(), { timeout = 5 })
      local _, err = hasty:get_page()
      assert.equal("server_error", err.kind)
      assert.equal(30, err.retry_after)
      assert.matches("does not fit", tostring(err))
   end)

   it("the whole call has its time, however often it is retried", function()
      emulator():fault { delay = 5, times = math.huge }
      local client <close> = world.client(emulator(), { timeout = 0.3 })
      local _, err = client:get_page()
      assert.equal("timeout", err.kind)
      emulator():clear_faults()
   end)

   it("the retry budget ends a storm", function()
      emulator():fault { status = 503, body = "", times = math.huge }
      local client <close> = world.client(emulator(), { retry_base = 0, max_retries = 4 })
      for _ = 1, 30 do client:get_page() end
      assert.equal(30 + 20, world.seen(emulator())) -- 100 tokens, 5 a retry
      local _, err = client:get_page()
      assert.matches("no more retries", tostring(err))
   end)

   it("a response over max_bytes is too large", function()
      emulator():add_jobs { count = 100, status = "Completed" }
      local client <close> = world.client(emulator(), { max_bytes = 20000 })
      local got, err = client:get_page { limit = 100 }
      assert.is_nil(got)
      assert.equal("too_large", err.kind)
      assert.equal(1, err.attempts)
      assert.is_table(client:get_page { limit = 10 })
   end)

   it("the server's words are shown without their control bytes", function()
      emulator():fault { status = 400, body = '{"code":400,"message":"bad \\u001b[31m\\n\\u0000thing"}' }
      local client <close> = world.client(emulator())
      local _, err = client:get_page()
      assert.equal(400, err.code)
      assert.is_nil(tostring(err):find "%c")
      assert.matches("thing", tostring(err))
   end)

   it("the request id of the server is reported", function()
      emulator():fault { status = 404, body = "", headers = { ["X-Request-Id"] = "abc-123" } }
      local client <close> = world.client(emulator())
      assert.equal("abc-123", select(2, client:get_page()).request_id)
   end)
end)

describe("TLS:", function()
   local function get(options)
      local emulator <close> = emulators.start { tls = true, jobs = 3 }
      local client <close> = topaz.client {
         api_key = emulator.key, base_url = emulator.tls_url, ca_file = emulator.ca_file, http2 = options.http2,
      }
      local got, err = client:get_page()
      return got, err, emulator:counts().total, client:stats()
   end

   it("works with a CA that is trusted, over HTTP/2 and HTTP/1.1", function()
      local got, err, _, stats = get {}
      assert.is_nil(err)
      assert.equal(3, #got.data)
      assert.is_true(stats.http2)
      got, err, _, stats = get { http2 = false }
      assert.is_nil(err)
      assert.equal(3, #got.data)
      assert.is_false(stats.http2)
   end)
end)
