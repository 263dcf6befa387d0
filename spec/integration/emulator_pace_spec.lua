-- The emulator's rate limit, latency and compression.
local emulators = require "topaz.emulator"
local probe = require "spec.support.probe"

local ask, bytes, wait_for = probe.ask, probe.bytes, probe.wait_for

describe("the emulator's pace", function()
   it("is limited by rate, with a 429 of the contract's shape that the log has too", function()
      local emulator <close> = emulators.start { jobs = 1, rate_limit = { rate = "1r/s", burst = 2 } }
      local seen, last = {}, nil
      for i = 1, 5 do seen[i], last = ask(emulator, "GET", "/status") end
      assert.same({ 200, 200, 200, 429, 429 }, seen)
      assert.equal(429, last.code)
      assert.equal(5, emulator:counts().total)
      assert.equal(2, emulator:counts().statuses["429"])
   end)

   it("has a latency that can be changed", function()
      local emulator <close> = emulators.start { latency = 60 }
      local connection = probe.connect(emulator)
      probe.send(connection, emulator, "GET", "/status")
      wait_for(function() return #emulator:requests() == 1 end)
      emulator:set { latency = 0 }
      assert.equal(200, (ask(emulator, "GET", "/status")))
      assert.is_nil(emulator:requests()[1].status) -- the first one still waits
      connection:close()
   end)

   it("sends a long plain array whole, in pieces", function()
      local emulator <close> = emulators.start { jobs = 5000 }
      local text = bytes(emulator, "GET", "/status")
      assert.truthy(text:find("Transfer-Encoding: chunked", 1, true))
      local _, list = ask(emulator, "GET", "/status")
      assert.equal(5000, #list)
   end)

   it("compresses for clients that accept it", function()
      local emulator <close> = emulators.start { jobs = 10, gzip = true }
      local answer = bytes(emulator, "GET", "/status", "Accept-Encoding: gzip\r\n")
      assert.truthy(answer:find("Content-Encoding: gzip", 1, true))
      assert.is_nil(bytes(emulator, "GET", "/status"):find("Content-Encoding", 1, true))
   end)
end)
