-- What the first answer on a connection decides: a new one that ends at once is an attempt like
-- another, and one that is slow does not hold up the rest.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local h2_server = require "spec.support.h2_server"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

local ID = "00000000-0000-4000-8000-%012d"

describe("a server that ends connections as they are made", function()
   it("gets one for each attempt, and no more", function()
      local emulator <close> = emulators.start { clock = "virtual" }
      local balancer <close> = proxies.start { to = emulator.address }
      local client <close> = world.client(emulator, {
         base_url = ("http://127.0.0.1:%d/image/v1"):format(balancer.port), max_retries = 2,
      })
      balancer:fault { close = "accept", times = math.huge }
      local _, err = client:get_page {}
      assert.equal("network", err.kind)
      assert.equal(3, err.attempts)
      assert.equal(3, balancer:counts().connections)
   end)
end)

describe("a first request over HTTP/2 that is not answered", function()
   it("does not hold up the others", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local server = h2_server.start()
      finally(function() server:stop() end)
      local client <close> = topaz.client { api_key = "key-of-the-tests", base_url = server.url,
         ca_file = server.ca_file }
      server:play("mute", 1, 200, '{"data":[],"pagination":{"has_next_page":false}}')
      local mute, others = client:start "get_page", {}
      for i = 1, 10 do others[i] = client:start "get_page" end
      for _ = 1, 2000 do
         client:step(0.05)
         local done = 0
         for _, request in ipairs(others) do done = done + (request:done() and 1 or 0) end
         if done == 10 then break end
      end
      for _, request in ipairs(others) do assert(request:result()) end
      assert.is_false(mute:done())
   end)
end)

describe("a proxy URL that libcurl does not understand", function()
   it("is refused at once, without its password in the message", function()
      for _, proxy in ipairs {
         "http://user:SEKRET12345@@127.0.0.1:3128", "foo://user:SEKRET12345@127.0.0.1",
         "http://user:SEK RET12345@127.0.0.1:3128", "http://user:SEKRET12345@127.0.0.1:99999",
         "http://user:SEKRET12345@[::1",
      } do
         local ok, message = pcall(topaz.client,
            { api_key = "key-of-the-tests", base_url = "https://api.example.test/v1", proxy = proxy })
         assert.is_false(ok, proxy)
         assert.matches("bad argument 'proxy'", message, 1, true)
         assert.is_nil(message:find("RET12345", 1, true))
      end
   end)

   it("fails the call where the environment has it, named without the password, and is not tried again", function()
      for _, proxy in ipairs { "foo://user:SEKRET12345@127.0.0.1", "http://user:SEKRET12345@127.0.0.1:99999" } do
         local out = world.script(([[
            local options = { api_key = "key-of-the-tests", base_url = "https://api.example.test/v1" }
            local client <close> = require("topaz").client(options)
            local _, err = client:get_status "%s"
            print(err.outcome, err.attempts, tostring(err))
         ]]):format(ID:format(1)), ("export https_proxy='%s'"):format(proxy))
         assert.matches("^unsent\t1\t", out)
         assert.is_nil(out:find("RET12345", 1, true), out)
      end
   end)
end)

describe("a status line", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("is the first line of a response, whatever other lines begin with", function()
      local client <close> = world.client(emulator(), { max_retries = 0 })
      emulator():fault { raw = "HTTP/1.1 500 Oops\r\nHTTP/9: 204 ok\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
         times = 2 }
      local done, err = client:delete_status(ID:format(1))
      assert.is_nil(done)
      assert.equal(500, err.http_status)
      assert.equal(500, select(2, client:delete_all_statuses()).http_status)
      emulator():fault { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"
         .. "0\r\nHTTP/1.1: 503 x\r\nRetry-After: 1\r\n\r\n" }
      assert.same({}, assert(client:get_page {}).data)
   end)

   it("that is an error's is not followed by a body that drips without end", function()
      local client <close> = world.client(emulator(), { max_retries = 0, timeout = 60, attempt_timeout = 0.3 })
      emulator():fault { status = 500, body = (" "):rep(5000), drip = { bytes = 1, interval = 0.05 } }
      local ok, err = pcall(function() for _ in client:statuses {} do end end)
      assert.is_false(ok)
      assert.equal(500, err.http_status)
      assert.equal(1, world.seen(emulator()))
   end)
end)

describe("a task that ends by an error", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- Before Lua 5.4.3 it cannot: the call in __close blocks.
   local function yields_in_close()
      local yields
      coroutine.wrap(pcall)(function()
         local _ <close> = setmetatable({}, { __close = function() yields = coroutine.isyieldable() end })
         error "mine"
      end)
      return yields
   end

   it("may wait in what it closes, and blocks no step", function()
      if not yields_in_close() then return pending "this Lua cannot yield in __close" end
      local client <close> = world.client(emulator())
      local waits = 0
      local task = client:spawn(function()
         local _ <close> = setmetatable({}, { __close = function()
            waits = waits + 1
            client:sleep(0.05)
            waits = waits + 1
         end })
         error("mine", 0)
      end)
      client:step(0)
      assert.same({ 1, false }, { waits, task:done() }) -- the step did not wait
      assert.equal(1, (client:run()))
      assert.same({ false, "mine" }, { pcall(task.result, task) })
      assert.equal(2, waits)
   end)
end)

describe("NO_PROXY", function()
   it("counts for an address only as a whole, as libcurl takes it", function()
      for _, list in ipairs { "127.0.0.1.", "0.0.1", ".0.0.1", "1" } do
         local out = world.script(([[
            local topaz = require "topaz"
            print(pcall(topaz.client, { api_key = "key-of-the-tests", base_url = "http://127.0.0.1:9/v1",
               proxy = "http://proxy.example.test:1" }))
         ]]), "export no_proxy=" .. list)
         assert.matches("^false.*unencrypted", out)
      end
   end)
end)
