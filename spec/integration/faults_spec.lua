-- Each fault on each operation, as fault_table.lua states it:
-- the outcome, and the number of requests the server saw.
local socket = require "socket"
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
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

-- Why a row cannot be run here; nil: it can.
local function why_not(row)
   local libcurl = topaz.core.libcurl
   if row.h2 and not libcurl.http2 then return "this libcurl has no HTTP/2" end
   if row.name:find "gzip" and not libcurl.gzip then return "this libcurl reads no gzip" end
   if not world.is_windows then return nil end
   if row.server == "unknown_ca" then return "wine's Schannel checks no certificate where no ca_file is given" end
   if row.name:find "no TLS on" or row.name:find "where TLS should be" then
      return "wine's Schannel waits for the rest of what is not TLS"
   end
end

describe("fault:", function()
   -- emulators and other servers, by name: for each operation its own,
   -- so that all of a row run at once
   local running = {}

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
         return { base_url = server.tls_url, ca_file = trusted and server.ca_file or nil }, function()
            return world.seen(server)
         end
      end
   end
   local function none() return 0 end
   local servers = {
      unresolved = function()
         return { base_url = "http://" .. ("x"):rep(64) .. ".invalid", allow_insecure = true }, none
      end,
      refused = function() return { base_url = "http://127.0.0.1:1" }, none end,
      silent = function()
         local listener = once("silent", socket.bind, "127.0.0.1", 0)
         return { base_url = "https://127.0.0.1:" .. select(2, listener:getsockname()) }, none
      end,
      plain = function()
         return { base_url = (emulator().url:gsub("^http:", "https:")) }, function() return world.seen(emulator()) end
      end,
      no_proxy = function() return { base_url = "https://localhost:1", proxy = "http://127.0.0.1:1" }, none end,
      no_proxy_name = function()
         return { base_url = "https://localhost:1", proxy = "http://" .. ("x"):rep(64) .. ".invalid" }, none
      end,
      unknown_ca = with_certificate("good", false),
      self_signed = with_certificate("self_signed", true),
      wrong_host = with_certificate("wrong_host", true),
      expired = with_certificate("expired", true),
   }

   local function h2(row, name)
      local server = once("h2 " .. name, h2_server.start)
      server:play(row.h2, row.times, name == "delete" and 204 or 200, bodies[name])
      return { base_url = server.url, ca_file = server.ca_file }, function() return (server:seen()) end
   end

   local ORIGINS = { tls = {}, plain = {}, http1 = { protocols = "http/1.1" },
      tls12 = { tls_versions = "TLSv1.2", protocols = "http/1.1" } }

   -- An emulator with TLS, with the job that is asked for and the fault of the row.
   local function origin(row, name, kind, more)
      -- a bad one sees none
      local label = table.concat({ "origin", kind or name, more and more.protocols, more and more.tls_versions }, " ")
      local server = once(label, emulators.start, copy({ tls = kind or "good", clock = "virtual" }, more))
      server:reset()
      if row.fault then server:fault(row.fault) end
      return server, server:add_jobs { status = "Completed" }[1]
   end

   local function behind_balancer(row, name)
      local server, id = origin(row, name)
      local balancer = once("balancer " .. name, proxies.start, { to = server.tls_address })
      balancer:reset()
      balancer:fault(row.cut)
      return { base_url = ("https://localhost:%d/image/v1"):format(balancer.port), ca_file = server.ca_file },
         function() return world.seen(server) end, id
   end

   -- A file with the authorities of both.
   local function both(one, other)
      local file = { name = os.tmpname(), stop = function(self) os.remove(self.name) end }
      local out = assert(io.open(file.name, "w"))
      for _, path in ipairs { one, other } do
         local input = assert(io.open(path))
         out:write(input:read "a")
         input:close()
      end
      out:close()
      return file
   end

   local function behind_proxy(row, name)
      local how = row.proxy
      local server, id = origin(row, name, how.kind, ORIGINS[how.origin or "tls"])
      local proxy = once("proxy " .. (how.tls and how.tls ~= "good" and how.tls or name .. tostring(how.tls)),
         proxies.start, { tls = how.tls })
      proxy:reset()
      if how.set then proxy:set(how.set) end
      if how.fault then proxy:fault(how.fault) end
      local url = how.login and proxy:url_with(table.unpack(how.login)) or proxy.url
      local ca_file = proxy.ca_file and server.ca_file
         and once("authorities of " .. name .. row.name, both, server.ca_file, proxy.ca_file)
      return { base_url = how.origin == "plain" and server.url or server.tls_url,
         ca_file = ca_file and ca_file.name or server.ca_file, proxy = url },
         function() return world.seen(server), proxy:counts().total end, id
   end

   -- Sets the scene for a cell: options of the client,
   -- what counts the requests (and how often a proxy was asked), and the id to ask for.
   local function prepare(row, name)
      if row.server then return servers[row.server]() end
      if row.h2 then return h2(row, name) end
      if row.cut then return behind_balancer(row, name) end
      if row.proxy then return behind_proxy(row, name) end
      local server, fault = emulator(name), copy(row.fault)
      server:reset()
      -- What is written by hand has the job that the list has:
      -- a list that is read again finds its place.
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
            local client = world.client(emulator(),
               copy(copy({ max_retries = 2, attempt_timeout = 5, timeout = 30 }, options), row.client))
            local scene = { client = client }
            scenes[name], left = scene, left + 1
            client:spawn(function()
               local ok, got = pcall(function()
                  local what = outcome(calls[name](client, id or ID))
                  local requests, asked = seen()
                  scene.unseen = client:stats().attempts - requests
                  return ("%s %d"):format(what, requests) .. (asked and (" (%d)"):format(asked) or "")
               end)
               scene.got = ok and got or "error: " .. tostring(got)
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
                     local why = why_not(row)
                     if why then return pending(why) end
                     scenes = scenes or run(row)
                     local scene = scenes[name]
                     if not (" | " .. expected .. " | "):find(" | " .. scene.got .. " | ", 1, true) then
                        assert.equal(expected, scene.got)
                     end
                     if not (row.server or row.cut or row.proxy) then assert.equal(0, scene.unseen) end
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

   it("what was certainly not sent is tried as often as any other", function()
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
      if not topaz.core.libcurl.gzip then return pending "this libcurl reads no gzip" end
      local clear = io.open("/proc/self/clear_refs", "w")
      if not clear then return pending "no /proc" end
      if os.getenv "ASAN_OPTIONS" then return pending "the sanitizer keeps what was freed" end
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
      assert.matches("call get_status", tostring(err))
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
      local delays = {}
      local client <close> = world.client(emulator(), { on_event = function(event)
         if event.type == "retry" then delays[#delays + 1] = event.delay end
      end })
      assert(client:get_page())
      assert.equal(1, #delays)
      assert.is_true(delays[1] >= 1)
      assert.is_nil(emulator():requests()[3])
      emulator():fault { status = 503, body = "", headers = { ["Retry-After"] = "30" } }
      local hasty <close> = world.client(emulator(), { timeout = 5 })
      local _, err = hasty:get_page()
      assert.equal("server_error", err.kind)
      assert.equal(30, err.retry_after)
      assert.matches("after the timeout", tostring(err))
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
      assert.matches("retry budget is used up", tostring(err))
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

   it("the server's message is shown without their control bytes", function()
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
      assert.equal(topaz.core.libcurl.http2, stats.http2)
      got, err, _, stats = get { http2 = false }
      assert.is_nil(err)
      assert.equal(3, #got.data)
      assert.is_false(stats.http2)
   end)
end)
