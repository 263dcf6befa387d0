-- The emulator's proxy: each fault is what it says on the wire, and the log tells what was asked.
local socket = require "socket"
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"

describe("the proxy", function()
   local emulator, proxy, origin

   setup(function()
      emulator = emulators.start { jobs = 2 }
      proxy = proxies.start {}
      origin = emulator.url:match("//([^/]+)")
   end)
   teardown(function()
      proxy:stop()
      emulator:stop()
   end)
   before_each(function()
      proxy:reset()
      emulator:clear_log()
   end)

   -- A connection; true: it has been reset already.
   local function connect()
      local connection = assert(socket.tcp())
      connection:settimeout(5)
      local ok, why = connection:connect("127.0.0.1", proxy.port)
      assert(ok or why == "closed", why)
      return connection, not ok
   end

   -- All that comes until the end; how the connection ended: true for a reset. LuaSocket calls both
   -- "closed", but only a reset leaves an error at the socket until something is received.
   local function rest(connection)
      local parts, reset = {}, false
      repeat
         socket.select({ connection }, nil, 5)
         reset = reset or connection:getoption("error") ~= nil
         connection:settimeout(0)
         local text, problem, partial = connection:receive(65536)
         parts[#parts + 1] = text or partial
      until problem == "closed"
      connection:close()
      return table.concat(parts), reset
   end

   local function ask(text)
      local connection = connect()
      connection:send(text)
      return rest(connection)
   end

   local function connect_to(target, more)
      return ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"):format(target, target, more or "")
   end

   local function get(path, more)
      return ("GET %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n%s\r\n"):format(path, emulator.key, more or "")
   end

   -- One request to the origin; "" when the tunnel does not stand.
   local function through(target)
      return (ask(connect_to(target or origin) .. get("/image/v1/status", "Connection: close\r\n")))
   end

   local function eventually(f)
      local deadline = socket.gettime() + 5
      repeat
         if f() then return true end
         socket.sleep(0.005)
      until socket.gettime() > deadline
      return false
   end

   it("tunnels, and logs the bytes of both directions", function()
      local got = through()
      assert.matches("^HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n", got)
      local entry = proxy:log()[1]
      assert.equal("CONNECT", entry.method)
      assert.equal(origin, entry.target)
      assert.equal(200, entry.status)
      assert.equal(origin, entry.headers.host)
      assert.equal(#get("/image/v1/status", "Connection: close\r\n"), entry.up)
      assert.equal(#got - #"HTTP/1.1 200 Connection established\r\n\r\n", entry.down)
      assert.equal("origin", entry.ended)
      assert.equal(1, emulator:counts().total)
   end)

   it("sends plain requests on, several on a connection, without what was meant for it alone", function()
      local connection = connect()
      for _ = 1, 2 do
         connection:send(get("http://" .. origin .. "/image/v1/status/x", "Proxy-Connection: keep-alive\r\n"))
         assert.equal("HTTP/1.1 400 Bad Request", connection:receive("*l"))
         local length
         repeat
            local line = connection:receive("*l")
            length = length or line:match("^Content%-Length: (%d+)")
         until line == ""
         assert.truthy(connection:receive(tonumber(length)))
      end
      connection:close()
      local counts = proxy:counts()
      assert.same({ 1, 2, 2 }, { counts.connections, counts.total, counts.by.GET })
      assert.same({ ["400"] = 2 }, counts.statuses)
      local seen = emulator:requests()
      assert.equal("/image/v1/status/x", seen[2].path)
      assert.is_nil(seen[2].headers["proxy-connection"])
      assert.equal(seen[1].connection, seen[2].connection)
   end)

   it("knows the names of its map, and leaves this machine for nothing else", function()
      assert.matches("^HTTP/1.1 502 ", through("api.example.test:443"))
      proxy:set { map = { ["api.example.test:443"] = origin } }
      assert.matches("\r\n\r\nHTTP/1.1 200 OK", through("api.example.test:443"))
      assert.matches("^HTTP/1.1 502 ", through("192.0.2.1:443"))
      assert.matches("^HTTP/1.1 502 ", through("127.0.0.1:1"))
      proxy:set { map = { ["*"] = origin } }
      assert.matches("\r\n\r\nHTTP/1.1 200 OK", through("192.0.2.1:443"))
   end)

   it("wants credentials", function()
      proxy:set { user = "me", password = "secret:1" }
      local refused = "^HTTP/1.1 407 Proxy Authentication Required\r\n.*\r\nProxy%-Authenticate: Basic realm="
      assert.matches(refused, through())
      local right = "Proxy-Authorization: Basic bWU6c2VjcmV0OjE=\r\n"
      assert.matches("^HTTP/1.1 200 ", (ask(connect_to(origin, right) .. get("/", "Connection: close\r\n"))))
      assert.matches("^HTTP/1.1 407 ", (ask(connect_to(origin, "Proxy-Authorization: Basic bWU6\r\n"))))
      local plain = get("http://" .. origin .. "/image/v1/status", right .. "Connection: close\r\n")
      assert.matches("^HTTP/1.1 200 ", (ask(plain)))
      assert.is_nil(emulator:requests()[2].headers["proxy-authorization"])
      assert.equal("http://me:secret@127.0.0.1:" .. proxy.port, proxy:url_with("me", "secret"))
   end)

   it("answers CONNECT with any status, headers and body", function()
      proxy:fault { status = 429, headers = { ["Retry-After"] = "7", Via = { "a", "b" } }, body = "slow down" }
      assert.equal("HTTP/1.1 429 Too Many Requests", through():match("^[^\r]+"))
      proxy:fault { status = 429, headers = { ["Retry-After"] = "7", Via = { "a", "b" } }, body = "slow down" }
      local got = ask(connect_to(origin))
      assert.matches("\r\nRetry-After: 7\r\n", got, 1, true)
      assert.matches("\r\nVia: a\r\nVia: b\r\n", got, 1, true)
      assert.matches("Content-Length: 9\r\n", got, 1, true)
      assert.matches("\r\n\r\nslow down$", got)
      proxy:fault { status = 200, headers = { Via = "x" }, drip = { bytes = 3, interval = 0 } }
      assert.matches("^HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nHTTP/1.1 200 OK", through())
      assert.equal(1, emulator:counts().total)
   end)

   it("has a queue of faults like the emulator's", function()
      local first = proxy:fault { match = { method = "CONNECT" }, after = 1, times = 2, status = 503 }
      proxy:fault { match = { target = "elsewhere" }, status = 403, times = math.huge }
      local seen = {}
      for i, target in ipairs { origin, "elsewhere:1", origin, origin } do
         seen[i] = tonumber(through(target):match("^HTTP/1.1 (%d+)"))
      end
      assert.same({ 200, 503, 503, 200 }, seen)
      assert.equal(first, proxy:log()[2].fault)
      assert.equal(0, proxy:faults()[1].hits)
      proxy:clear_faults()
      assert.same({}, proxy:faults())
      assert.has_error(function() proxy:fault { stauts = 1 } end)
      assert.has_error(function() proxy:fault { close = "sometime" } end)
   end)

   it("closes or resets at once, after CONNECT, and behind its 200", function()
      for _, stage in ipairs { "accept", "request", "established", "hello" } do
         for _, ending in ipairs { "close", "reset" } do
            proxy:clear_log()
            proxy:fault { [ending] = stage }
            local connection, was_reset = connect()
            if stage ~= "accept" then connection:send(connect_to(origin)) end
            if stage == "hello" then
               assert.equal("HTTP/1.1 200 Connection established", connection:receive("*l"))
               connection:send("hello")
            end
            local got, reset = rest(connection)
            reset = reset or was_reset
            -- Of a 200 a reset may leave less.
            if stage ~= "established" then assert.equal("", (got:gsub("^\r\n", ""))) end
            if stage == "established" and not reset then assert.matches("^HTTP/1.1 200 ", got) end
            assert.equal(ending == "reset", reset, stage .. " " .. ending)
            local entry = proxy:log()[1]
            assert.equal(stage ~= "accept" and "CONNECT" or nil, entry.method)
            assert.equal("proxy", entry.ended)
            assert.equal(0, entry.up)
         end
      end
      assert.equal(0, emulator:counts().total)
   end)

   it("breaks a response before and in it, when the origin has the request", function()
      for _, way in ipairs { "tunnel", "plain" } do
         local function seen()
            if way == "tunnel" then
               return (ask(connect_to(origin) .. get("/image/v1/status", "Connection: close\r\n")))
            end
            return (ask(get("http://" .. origin .. "/image/v1/status")))
         end
         emulator:clear_log()
         local before = way == "tunnel" and "HTTP/1.1 200 Connection established\r\n\r\n" or ""
         proxy:fault { close = "sent" }
         assert.equal(before, seen())
         assert.equal(1, emulator:counts().total)
         proxy:fault { close = "answer", bytes = 10 }
         assert.equal(before .. "HTTP/1.1 2", seen())
         assert.equal(2, emulator:counts().total)
      end
   end)

   it("is silent, and notices when the client has gone", function()
      for _, stage in ipairs { "accept", "request", "established" } do
         proxy:clear_log()
         proxy:fault { silent = stage }
         local connection = connect()
         connection:send(connect_to(origin))
         assert.truthy(eventually(function() return proxy:counts().total == 1 end))
         if stage == "established" then assert.matches("200", (connection:receive("*l"))) end
         connection:close()
         assert.truthy(eventually(function() return proxy:log()[1].ended == "client" end), stage)
      end
   end)

   it("sends garbage instead of a response, or where the tunnel should be", function()
      proxy:fault { raw = "SSH-2.0-x\r\n" }
      assert.equal("SSH-2.0-x\r\n", through())
      proxy:fault { tunnel_raw = "garbage" }
      assert.equal("HTTP/1.1 200 Connection established\r\n\r\ngarbage", through())
   end)

   it("passes on what an origin says, HTTP or not", function()
      for _, text in ipairs { "HTTP/1.1 20 OK\r\n\r\n", "hello\r\n", "HTTP/1.1 600 No\r\n\r\n" } do
         emulator:fault { raw = text }
         assert.equal(text, (ask(get("http://" .. origin .. "/image/v1/status"))))
      end
   end)

   it("passes on how an origin ends: by a reset too", function()
      emulator:fault { reset = true }
      local connection = connect()
      connection:send(connect_to(origin) .. get("/image/v1/status"))
      local _, reset = rest(connection)
      assert.is_true(reset)
   end)

   it("serves many at once", function()
      proxy:fault { silent = "request", times = 50 }
      local held = {}
      for i = 1, 50 do
         held[i] = connect()
         held[i]:send(connect_to(origin))
      end
      assert.truthy(eventually(function() return proxy:counts().total == 50 end))
      assert.matches("\r\n\r\nHTTP/1.1 200 OK", through())
      for _, connection in ipairs(held) do connection:close() end
      assert.truthy(eventually(function() return proxy:counts().open == 0 end))
   end)

   it("speaks TLS itself", function()
      local secure <close> = proxies.start { tls = true, map = { ["api.example.test:443"] = origin } }
      assert.matches("^https://localhost:%d+$", secure.url)
      local pipe = io.popen(("printf 'GET http://%s/image/v1/status HTTP/1.1\\r\\nHost: x\\r\\nX-API-Key: %s\\r\\n"
         .. "Connection: close\\r\\n\\r\\n' "
         .. "| openssl s_client -quiet -verify_return_error -CAfile %s -connect localhost:%d 2>/dev/null"):format(
         origin, emulator.key, secure.ca_file, secure.port))
      assert.matches("^HTTP/1.1 200 OK\r\n", pipe:read("a"))
      pipe:close()
      assert.equal(1, secure:counts().by.GET)
   end)
end)

describe("a balancer", function()
   it("leads one port from HTTP/2 to HTTP/1.1 alone, and cuts what passes", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local emulator <close> = emulators.start { tls = true, jobs = 1 }
      local balancer <close> = proxies.start { to = emulator.tls_address }
      local function answered()
         local client <close> = topaz.client {
            api_key = emulator.key, base_url = ("https://localhost:%d/image/v1"):format(balancer.port),
            ca_file = emulator.ca_file, max_retries = 0,
         }
         return client:get_page {} ~= nil
      end
      assert.is_true(answered())
      balancer:set { to = emulator.http1_address }
      assert.is_true(answered())
      assert.equal(2, emulator:requests()[1].http_version)
      assert.equal(1.1, emulator:requests()[2].http_version)
      for _, stage in ipairs { "accept", "hello", "handshake" } do
         for _, ending in ipairs { "close", "reset" } do
            balancer:fault { [ending] = stage }
            assert.is_false(answered(), stage .. " " .. ending)
         end
      end
      assert.equal(2, emulator:counts().total)
      assert.equal("proxy", balancer:log()[8].ended)
   end)

   it("sends a response again, or something else, late and on the same connection", function()
      local emulator <close> = emulators.start {}
      local balancer <close> = proxies.start { to = emulator.address }
      for i, again in ipairs { { delay = 0.01 }, { text = "\r\n" } } do
         balancer:fault { again = again }
         local connection = assert(socket.connect("127.0.0.1", balancer.port))
         connection:settimeout(5)
         connection:send("GET /image/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
         local function answer()
            local first, length = connection:receive("*l"), nil
            repeat
               local line = connection:receive("*l")
               length = length or line:match("^Content%-Length: (%d+)")
            until line == ""
            connection:receive(tonumber(length))
            return first
         end
         assert.equal("HTTP/1.1 401 Unauthorized", answer())
         if i == 1 then
            assert.equal("HTTP/1.1 401 Unauthorized", answer())
         else
            assert.equal("\r\n", connection:receive(2))
         end
         connection:send("GET /image/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
         assert.equal("HTTP/1.1 401 Unauthorized", answer())
         connection:close()
      end
      assert.equal(4, emulator:counts().total)
   end)

   it("ends all connections when told to", function()
      local emulator <close> = emulators.start {}
      local balancer <close> = proxies.start { to = emulator.address }
      local connection = assert(socket.connect("127.0.0.1", balancer.port))
      connection:settimeout(5)
      connection:send("GET /image/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal("HTTP/1.1 401 Unauthorized", connection:receive("*l"))
      balancer:drop()
      repeat local _, problem = connection:receive("*l") until problem
      connection:close()
      local deadline = socket.gettime() + 5
      while balancer:counts().open > 0 and socket.gettime() < deadline do socket.sleep(0.005) end
      assert.equal(0, balancer:counts().open)
   end)
end)

describe("a proxy's life", function()
   it("ends with its block, its collection, and by a stop that may come twice", function()
      local pid, stamp
      do
         local proxy <close> = proxies.start {}
         pid, stamp = proxy.pid, process.stamp(proxy.pid)
         assert.is_true(proxy:running())
      end
      assert.is_false(process.alive(pid, stamp))
      pid = proxies.start({}).pid
      stamp = process.stamp(pid)
      collectgarbage()
      collectgarbage()
      assert.is_false(process.alive(pid, stamp))
      local proxy = proxies.start {}
      proxy:stop()
      proxy:stop()
      assert.is_false(proxy:running())
      assert.has_error(function() proxy:log() end)
   end)

   it("ends soon after the process that started it was killed", function()
      local pipe = io.popen(("LUA_PATH='%s' %s " .. [[-e 'local p = require("topaz.emulator.proxy").start {}
      print(p.pid); io.stdout:flush(); io.stdout:close()
      os.execute("kill -KILL " .. require("topaz.emulator.process").self())' 2>/dev/null]]):format(package.path,
         interpreter))
      local pid = pipe:read("a"):match("(%d+)")
      pipe:close()
      local stamp, deadline = process.stamp(pid), socket.gettime() + 5
      while process.alive(pid, stamp) and socket.gettime() < deadline do socket.sleep(0.01) end
      assert.is_false(process.alive(pid, stamp))
   end)
end)
