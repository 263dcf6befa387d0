-- The transport room over HTTP/2: one connection carries many transfers,
-- and what befalls one is not to touch the others.
local room = require "transport_room"
local h2_server = require "spec.support.h2_server"
local emulators = require "topaz.emulator"

local KEY = "a key of the transport room"
local DEADLINE = 30 -- seconds after which a test gives up

local _, has_http2 = room.library()
if not has_http2 then
   it("HTTP/2", function() pending "this libcurl has no HTTP/2" end)
   return
end

local function step_until(net, condition)
   local until_then = room.now() + DEADLINE
   repeat
      net:step(0.1)
      assert(room.now() < until_then, "it does not come to pass")
   until condition()
end

local function run(net, x)
   step_until(net, function() return not x:look().running end)
   return x:look()
end

-- Steps for so long that what a busy machine takes between two lines of a test is little beside it.
local function let_pass(net)
   local over = room.now() + 1
   step_until(net, function() return room.now() >= over end)
end

describe("on a server that breaks the rules,", function()
   local server
   setup(function() server = h2_server.start() end)
   teardown(function() server:stop() end)

   local function open() return room.new { http2 = true, ca_file = server.ca_file, proxy = "" } end
   local function play(fault, times) server:play(fault, times, 200, "[]") end
   local function start(net, more)
      local options = { url = server.url .. "/status" }
      for name, value in pairs(more or {}) do options[name] = value end
      return assert(net:start(options))
   end

   before_each(function() play("none", 0) end)

   it("a connection that was silent is not trusted again", function()
      local net <close> = open()
      assert.equal("ok", run(net, start(net)).ending)
      play("mute", 1)
      local mute = start(net)
      step_until(net, function() return mute:look().sends == 1 end)
      let_pass(net)
      mute:distrust()
      mute:cancel()
      local before = net:connections()
      local x = run(net, start(net))
      if x.ending == "unfit" then
         assert.equal(0, x.sends)
         x = run(net, start(net, { fresh = true }))
      end
      assert.equal("ok", x.ending)
      assert.equal(before + 1, net:connections())
      assert.equal(2, server:seen())
   end)

   it("what else runs on such a connection is left alone", function()
      local net <close> = open()
      assert.equal("ok", run(net, start(net)).ending)
      play("mute", 2)
      local one, other = start(net), start(net)
      step_until(net, function() return one:look().sends == 1 and other:look().sends == 1 end)
      let_pass(net)
      one:distrust()
      one:cancel()
      local before = net:connections()
      local x = run(net, start(net))
      if x.ending == "unfit" then -- libcurl before 8.16 still takes that connection
         assert.equal(0, x.sends)
         assert.is_true(other:look().running)
         x = run(net, start(net, { fresh = true }))
      end
      assert.equal("ok", x.ending)
      assert.equal(before + 1, net:connections())
      assert.is_true(other:look().running)
      assert.equal("ok", run(net, start(net, { fresh = true })).ending)
   end)

   it("a connection on which others are answered is trusted", function()
      local net <close> = open()
      assert.equal("ok", run(net, start(net)).ending)
      play("mute", 1)
      local mute = start(net)
      step_until(net, function() return mute:look().sends == 1 end)
      let_pass(net)
      assert.equal("ok", run(net, start(net)).ending)
      mute:distrust()
      mute:cancel()
      local before = net:connections()
      assert.equal("ok", run(net, start(net)).ending)
      assert.equal(before, net:connections())
   end)

   it("HTTP_1_1_REQUIRED is told, and another attempt takes HTTP/1.1", function()
      for _, warm in ipairs { false, true } do
         local net <close> = open()
         play("none", 0)
         if warm then run(net, start(net)) end
         play("http1_required", 1)
         local x = run(net, start(net, { method = "DELETE" }))
         assert.equal("lost", x.ending)
         assert.is_true(x.needs_http1)
         assert.same({ 0, 1 }, { x.status, x.sends })
         assert.equal(1, server:seen())
         x = run(net, start(net, { http1 = true }))
         assert.same({ "ok", 11 }, { x.ending, x.version })
      end
   end)

   for _, fault in ipairs { "refused_stream", "goaway_unprocessed", "goaway_processed", "goaway_error", "closed" } do
      for _, warm in ipairs { false, true } do
         it(("%s: it is sent once, and told so: %s"):format(fault, warm and "kept connection" or "new one"), function()
            local net <close> = open()
            if warm then run(net, start(net)) end
            play(fault, 1)
            local x = run(net, start(net, { method = "DELETE" }))
            assert.equal("lost", x.ending)
            assert.same({ 0, 1 }, { x.status, x.sends })
            assert.is_false(x.needs_http1)
            assert.equal(1, server:seen())
         end)
      end
   end

   it("nothing is sent on a connection that was closed", function()
      local net <close> = open()
      run(net, start(net))
      play("closed", 1)
      run(net, start(net, { method = "DELETE" }))
      local x = run(net, start(net, { method = "DELETE" }))
      if x.ending == "unfit" then
         assert.equal(0, x.sends)
         x = run(net, start(net, { fresh = true, method = "DELETE" }))
      end
      assert.equal("ok", x.ending)
      assert.equal(2, server:seen())
   end)

   it("what goes over HTTP/1.1 has a connection that nothing else uses", function()
      local net <close> = open()
      assert.equal(20, run(net, start(net)).version)
      assert.equal(11, run(net, start(net, { http1 = true })).version)
      assert.equal(20, run(net, start(net)).version)
      local one, other = start(net, { http1 = true }), start(net)
      assert.equal(11, run(net, one).version)
      assert.equal(20, run(net, other).version)
      assert.equal(3, net:connections())
   end)
end)

describe("on a server that keeps them,", function()
   local emulator
   setup(function()
      emulator = emulators.start { tls = true, key = KEY, jobs = 6000, clock = "virtual", streams = 4 }
   end)
   teardown(function() emulator:stop() end)

   local function open(more)
      local options = { http2 = true, ca_file = emulator.ca_file, proxy = "", connect_timeout = 5 }
      for name, value in pairs(more or {}) do options[name] = value end
      return room.new(options)
   end

   it("what a paused transfer held back is in no other one", function()
      local net <close> = open()
      local url = emulator.tls_url .. "/status"
      local whole = run(net, assert(net:start { url = url })).body
      assert.is_true(#whole > 2000000)
      for _ = 1, 3 do
         local a = assert(net:start { url = url, room = 256 * 1024 })
         local b = assert(net:start { url = url, room = 256 * 1024 })
         step_until(net, function() return a:look().paused and b:look().paused end)
         for _ = 1, 5 do net:step(0.02) end
         a:cancel()
         local c = assert(net:start { url = url, room = 256 * 1024 })
         local got = { [b] = {}, [c] = {} }
         step_until(net, function()
            for x, pieces in pairs(got) do
               if x:look().paused then pieces[#pieces + 1] = x:resume() end
            end
            return not c:look().running and not b:look().running
         end)
         for x, pieces in pairs(got) do
            pieces[#pieces + 1] = x:resume()
            assert.is_true(whole == table.concat(pieces))
         end
      end
   end)

   it("those that wait for a stream do not count as connecting", function()
      emulator:set { latency = 0.2 }
      local net <close> = open { connect_timeout = 0.5, connections = 1 }
      local all, url = {}, emulator.tls_url .. "/status?paginated=true&limit=1"
      -- it has said how many streams it takes
      assert.equal("ok", run(net, assert(net:start { url = url })).ending)
      for i = 1, 24 do all[i] = assert(net:start { url = url }) end
      for _, x in ipairs(all) do
         local seen = run(net, x)
         assert.same({ "ok", "" }, { seen.ending, seen.detail })
      end
      emulator:set { latency = 0 }
   end)
end)
