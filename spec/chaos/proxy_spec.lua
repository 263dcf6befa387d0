-- The faulty proxy of `make chaos`, byte by byte.
local proxies = require "spec.chaos.proxy"
local socket = require "socket"

local program = package.cpath:match "([^;]+)/%?%.so" .. "/chaos/proxy"
local ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

describe("the faulty proxy", function()
   local server, proxy

   setup(function()
      server = assert(socket.bind("127.0.0.1", 0))
      server:settimeout(5)
      proxy = proxies.start(program, { math.tointeger(select(2, server:getsockname())) })
   end)
   teardown(function()
      proxy:stop()
      server:close()
   end)

   -- Begins a round whose first connection has these rules of the form
   -- { way, byte, name, argument }.
   local function begin(...)
      local rules = {}
      for i, rule in ipairs { ... } do
         rules[i] = { listener = 0, connection = 1, way = rule[1], at = rule[2], name = rule[3], arg = rule[4] or 0 }
      end
      proxy:begin(rules)
   end

   local function connect()
      local client = assert(socket.connect("127.0.0.1", proxy.ports[1]))
      client:settimeout(5)
      return client
   end

   local function pair()
      local client = connect()
      local other = assert(server:accept())
      other:settimeout(5)
      return client, other
   end

   -- All bytes until the end, and how it ended.
   local function all(from)
      local text, err, part = from:receive "*a"
      return text or part, err
   end

   after_each(function() proxy:quiesce() end)

   it("passes everything where there is no rule", function()
      begin()
      local client, other = pair()
      local text = ("0123456789"):rep(6000)
      client:send(text:sub(1, 1000))
      assert.equal(text:sub(1, 1000), other:receive(1000))
      client:shutdown "send"
      assert.equal("", (all(other)))
      other:send(text) -- no more than the buffers between hold
      other:close()
      assert.equal(text, (all(client)))
   end)

   it("cuts at a byte, each way, and says which rule it met", function()
      begin { "s", 7, "close" }
      local client, other = pair()
      other:send "0123456789"
      assert.equal("0123456", (all(client)))
      assert.same({ "0 1 s 7 close 0" }, { table.unpack(proxy:quiesce()) })
      begin { "c", 3, "close" }
      client, other = pair()
      client:send "0123456789"
      assert.equal("012", (all(other)))
      assert.equal("", (all(client)))
   end)

   it("resets", function()
      begin { "s", 0, "reset" }
      local client, other = pair()
      other:send "x"
      local _, err = client:receive(1)
      assert.equal("closed", err)
   end)

   it("stalls and drips without losing a byte", function()
      begin({ "c", 2, "stall", 5 }, { "c", 4, "drip", 1 })
      local client, other = pair()
      local text = ("abcdefgh"):rep(20)
      client:send(text)
      assert.equal(text, other:receive(#text))
   end)

   it("swallows what comes behind a hole", function()
      begin { "c", 3, "hole" }
      local client, other = pair()
      client:send "0123456789"
      assert.equal("012", other:receive(3))
      client:close()
      assert.equal("", (all(other)))
   end)

   it("adds garbage that no server takes and no JSON holds", function()
      begin({ "c", 2, "garbage", 3 }, { "s", 1, "garbage", 2 })
      local client, other = pair()
      client:send "abcd"
      assert.equal("ab\0\0\0cd", other:receive(7))
      other:send "xy"
      assert.equal("x\xFF\1y", client:receive(4))
   end)

   it("answers twice, at once or while the connection is idle", function()
      begin { "s", 0, "double", 0 }
      local client, other = pair()
      client:send "GET"
      assert.equal("GET", other:receive(3))
      other:send(ANSWER)
      assert.equal(ANSWER .. ANSWER, client:receive(2 * #ANSWER))
      proxy:quiesce()
      begin { "s", 0, "double", 3 }
      client, other = pair()
      other:send(ANSWER:sub(1, 20))
      other:send(ANSWER:sub(21))
      assert.equal(ANSWER .. ANSWER, client:receive(2 * #ANSWER))
      proxy:quiesce()
      begin { "s", 0, "goodbye", 1 }
      client, other = pair()
      other:send(ANSWER)
      local text = all(client)
      assert.equal(ANSWER .. "HTTP/1.1 408", text:sub(1, #ANSWER + 12))
   end)

   it("refuses, and opens again", function()
      begin { "a", 0, "refuse", 20 }
      local client = socket.connect("127.0.0.1", proxy.ports[1]) -- the reset may be there at once
      if client then assert.equal("closed", select(2, client:receive(1))) end
      local tries = 0
      repeat
         client = socket.connect("127.0.0.1", proxy.ports[1])
         tries = tries + 1
      until client
      assert(tries >= 1)
      local other = assert(server:accept())
      client:send "x"
      assert.equal("x", other:receive(1))
   end)

   it("accepts and is silent; connects late", function()
      begin { "a", 0, "hole" }
      local client = connect()
      client:send "x"
      server:settimeout(0.05)
      assert.is_nil(server:accept())
      server:settimeout(5)
      proxy:quiesce()
      begin { "a", 0, "slow", 10 }
      client = connect()
      client:send "late"
      local other = assert(server:accept())
      assert.equal("late", other:receive(4))
   end)

   it("hands over what is under way when all is ended", function()
      begin { "c", 1, "stall", 60000 }
      local client, other = pair()
      client:send "abc"
      client:close()
      assert.equal("a", other:receive(1))
      assert.equal(1, proxy:quiesce().connections)
      assert.equal("bc", (all(other)))
   end)
end)
