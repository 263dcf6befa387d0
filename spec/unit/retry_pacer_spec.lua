-- The pacer, by itself and against a rate limit on a simulated clock, through the test-only binding retry_room.
local room = require "retry_room"

describe("the pacer", function()
   it("never delays without a 429 and without a ceiling", function()
      local pacer = room.pacer()
      for i = 1, 5000 do
         local now = 1000 + (i // 100) * 0.001
         assert.equal(0, pacer:delay(now))
         pacer:sent(now, i % 100 + 1)
         pacer:succeeded(now)
      end
      assert.equal(0, pacer:rate())
   end)

   it("lets 16 be in flight at first, and 3 more for each 8 successes while the window is full", function()
      local pacer = room.pacer()
      assert.equal(16, pacer:window())
      for _ = 1, 100 do -- one at a time says nothing about many
         pacer:sent(1, 1)
         pacer:succeeded(1)
      end
      pacer:sent(1, 15)
      pacer:succeeded(1)
      assert.equal(16, pacer:window())
      pacer:sent(1, 16)
      for _ = 1, 2 do pacer:succeeded(1) end
      assert.equal(16, pacer:window())
      pacer:succeeded(1)
      assert.equal(17, pacer:window())
      pacer:sent(1, 16)
      for _ = 1, 10 do pacer:succeeded(1) end -- 16 in flight do not fill 17
      assert.equal(17, pacer:window())
      pacer:sent(1, 17)
      for _ = 1, 5 do
         pacer:succeeded(1)
         pacer:sent(1, pacer:window())
      end
      assert.equal(19, pacer:window())
      for _ = 1, 10000 do
         pacer:sent(1, pacer:window())
         pacer:succeeded(1)
      end
      assert.equal(1024, pacer:window())
   end)

   it("widens the window as much by answers that come together as by single ones", function()
      local pacer = room.pacer()
      for i = 1, 16 do pacer:sent(1, i) end
      for _ = 1, 16 do pacer:succeeded(1) end
      assert.equal(22, pacer:window())
      for i = 7, 22 do pacer:sent(2, i) end
      for _ = 1, 16 do pacer:succeeded(2) end
      assert.equal(28, pacer:window())
   end)

   it("keeps the ceiling, also in bursts and after pauses", function()
      for _, max_rate in ipairs { 0.1, 1, 7, 50, 1000 } do
         local pacer, now, last, first = room.pacer(max_rate), 100, -math.huge, 100
         assert.equal(0, pacer:delay(now))
         for i = 1, 500 do
            if i % 50 == 0 then now = now + 3 / max_rate end -- a pause earns no burst
            now = now + pacer:delay(now)
            assert.equal(0, pacer:delay(now))
            assert.is_true(now - last >= 1 / max_rate * (1 - 1e-9))
            pacer:sent(now, 1)
            pacer:succeeded(now)
            assert.is_true(now - first >= (i - 1) / max_rate * (1 - 1e-9))
            last = now
         end
         assert.equal(0, pacer:rate())
      end
   end)

   it("takes a ceiling that is none for none", function()
      for _, none in ipairs { 0, -1, -1e300, 0 / 0 } do
         local pacer = room.pacer(none)
         pacer:sent(1, 1)
         assert.equal(0, pacer:delay(1))
      end
   end)

   it("halves what was really sent, once for all that were in flight together", function()
      local pacer = room.pacer()
      for i = 1, 50 do pacer:sent(10 + i / 1000, i) end
      assert.is_true(pacer:limited(10.1, 10.001))
      assert.equal(25, pacer:rate())
      assert.near(1 / 25, pacer:delay(10.1), 1e-9)
      for i = 2, 50 do assert.is_false(pacer:limited(10.1 + i / 1000, 10 + i / 1000)) end
      assert.equal(25, pacer:rate())
      assert.near(10.1 + 1 / 25 - 10.12, pacer:delay(10.12), 1e-9)
   end)

   it("halves again when what was sent after the cut is refused", function()
      local pacer = room.pacer()
      for _ = 1, 80 do pacer:sent(10, 1) end
      pacer:limited(10.1, 10)
      assert.equal(40, pacer:rate())
      pacer:sent(10.2, 1)
      assert.is_true(pacer:limited(10.3, 10.2))
      assert.equal(20, pacer:rate())
      assert.is_false(pacer:limited(10.4, 10.2))
      assert.is_false(pacer:limited(10.5, 10.3)) -- sent at the moment of the cut: before it, since the cut holds everything
      assert.is_true(pacer:limited(10.5, 10.4))
      assert.equal(10, pacer:rate())
   end)

   it("measures by full seconds, and a new second by what it has", function()
      local pacer = room.pacer()
      for i = 0, 59 do pacer:sent(10 + i / 40, 1) end -- 40 in the first second, then 20
      pacer:limited(11.5, 11.4)
      assert.equal(20, pacer:rate())
      pacer = room.pacer()
      for i = 0, 9 do pacer:sent(10 + i / 10, 1) end
      for _ = 1, 30 do pacer:sent(11, 1) end
      pacer:limited(11.1, 11)
      assert.equal(15, pacer:rate())
      pacer = room.pacer()
      for _ = 1, 100 do pacer:sent(10, 1) end
      pacer:sent(60, 1) -- long ago: 2 per second
      pacer:limited(60.1, 60)
      assert.equal(1, pacer:rate())
   end)

   it("does not fall below one request in 4 s", function()
      local pacer, now = room.pacer(), 10
      for _ = 1, 20 do
         now = now + pacer:delay(now)
         pacer:sent(now, 1)
         assert.is_true(pacer:limited(now, now))
      end
      assert.equal(0.25, pacer:rate())
      assert.equal(4, pacer:delay(now))
   end)

   it("takes a lone request for no rate: its retry waits a second at the first cut, longer at the next", function()
      for _, sent in ipairs { 0, 1, 2 } do
         local pacer = room.pacer()
         for _ = 1, sent do pacer:sent(5, 1) end
         pacer:limited(5, 5)
         assert.equal(1, pacer:rate())
         assert.equal(1, pacer:delay(5))
         pacer:sent(6, 1)
         pacer:limited(6, 6)
         assert.equal(0.5, pacer:rate())
      end
   end)

   it("holds everything until Retry-After, also by answers that come late", function()
      local pacer = room.pacer()
      for _ = 1, 8 do pacer:sent(10, 1) end
      pacer:limited(10, 10, 5)
      assert.equal(5, pacer:delay(10))
      pacer:limited(11, 10, 2) -- shorter: no undercut
      assert.equal(4, pacer:delay(11))
      assert.is_false(pacer:limited(12, 10, 30))
      assert.equal(30, pacer:delay(12))
      assert.equal(0.5, pacer:delay(41.5))
      assert.equal(0, pacer:delay(42))
      assert.equal(0, pacer:delay(43))
      pacer:sent(43, 1)
      assert.equal(0.25, pacer:delay(43)) -- 4 per second
   end)

   it("does not take a Retry-After of 0 for leave to hurry", function()
      local pacer = room.pacer()
      for _ = 1, 8 do pacer:sent(10, 1) end
      pacer:limited(10, 10, 0)
      assert.equal(0.25, pacer:delay(10))
   end)

   it("grows by 2 per success after the first cut, by a half after the next, and by nothing for what was sent before", function()
      local pacer = room.pacer()
      for _ = 1, 100 do pacer:sent(10, 1) end
      pacer:limited(10.1, 10)
      pacer:succeeded(10)
      pacer:succeeded(10.1)
      assert.equal(50, pacer:rate())
      pacer:sent(10.2, 1)
      pacer:succeeded(10.2)
      assert.equal(52, pacer:rate())
      pacer:limited(10.3, 10.2)
      assert.equal(26, pacer:rate())
      pacer:sent(10.4, 1)
      pacer:succeeded(10.4)
      assert.equal(26.5, pacer:rate())
   end)

   it("is off again when the rate is 8 times what is used", function()
      local pacer = room.pacer()
      for _ = 1, 10 do pacer:sent(10, 1) end
      pacer:limited(10, 10) -- 5 per second
      pacer:sent(11, 1)
      pacer:sent(13, 1) -- of late 0.5 per second, now 1
      pacer:succeeded(13)
      assert.equal(7, pacer:rate())
      pacer:succeeded(13)
      assert.equal(0, pacer:rate())
      pacer:sent(13.5, 1)
      assert.equal(0, pacer:delay(13.6))
      for _ = 1, 18 do pacer:sent(13.6, 1) end -- and the next cut is a first one
      pacer:limited(13.7, 13.6)
      assert.equal(10, pacer:rate())
      pacer:sent(13.8, 1)
      pacer:succeeded(13.8)
      assert.equal(12, pacer:rate())
   end)

   it("does not take the silence of a hold for little use", function()
      local pacer = room.pacer()
      for _ = 1, 20 do pacer:sent(10, 1) end
      pacer:limited(10, 10, 50)
      pacer:sent(60, 1)
      pacer:succeeded(60)
      assert.equal(12, pacer:rate())
   end)

   it("is off again at the ceiling, which stays", function()
      local pacer, now = room.pacer(10), 10
      for _ = 1, 10 do
         now = now + pacer:delay(now)
         pacer:sent(now, 1)
      end
      pacer:limited(now, now)
      assert.equal(5, pacer:rate())
      now = now + pacer:delay(now)
      pacer:sent(now, 1)
      assert.near(0.2, pacer:delay(now), 1e-9)
      for _ = 1, 2 do pacer:succeeded(now) end
      assert.equal(9, pacer:rate())
      pacer:succeeded(now)
      assert.equal(0, pacer:rate())
      now = now + pacer:delay(now)
      pacer:sent(now, 1)
      assert.near(0.1, pacer:delay(now), 1e-9)
   end)

   it("stays under the ceiling where that is below the least rate", function()
      local pacer = room.pacer(0.1)
      pacer:sent(10, 1)
      pacer:limited(10.1, 10)
      pacer:sent(20, 1)
      assert.equal(10, pacer:delay(20))
   end)
end)

-- ---- a rate limit on a simulated clock --------------------------------------------------------------------------------------

-- Events in order of time, then of arrival: a binary heap.
local function agenda()
   local heap, serial = {}, 0
   local function before(a, b) return a.at < b.at or (a.at == b.at and a.serial < b.serial) end
   local self = {}
   function self.add(at, what, call)
      serial = serial + 1
      local i = #heap + 1
      heap[i] = { at = at, serial = serial, what = what, call = call }
      while i > 1 and before(heap[i], heap[i // 2]) do
         heap[i], heap[i // 2] = heap[i // 2], heap[i]
         i = i // 2
      end
   end
   function self.first() return heap[1] and heap[1].at end
   function self.take()
      local top, last = heap[1], table.remove(heap)
      if #heap == 0 then return top end
      local i = 1
      heap[1] = last
      while true do
         local least = i
         for child = 2 * i, 2 * i + 1 do
            if heap[child] and before(heap[child], heap[least]) then least = child end
         end
         if least == i then return top end
         heap[i], heap[least] = heap[least], heap[i]
         i = least
      end
   end
   return self
end

-- nginx's limit_req with nodelay: what is above `rate` piles up to `burst`, the rest is refused.
local function leaky_bucket(rate, burst)
   local excess, last
   return function(now)
      local new = excess and math.max(0, excess - rate * (now - last) + 1) or 0
      if new > burst + 1e-9 then return false end
      excess, last = new, now
      return true
   end
end

-- Drives a client's queue, window, pacer, back-off and budget: `calls` calls at once.
-- o: calls, connections, latency, seed, accepts(now); optional pacer and start, and step: the client looks only every so many seconds.
local function drive(o)
   math.randomseed(o.seed)
   local events, pacer, budget = agenda(), o.pacer or room.pacer(), room.budget()
   local now, active, tick = o.start or 100, 0, -1
   local queue, head = {}, 1
   local result = { sent = 0, done = 0, failed = 0, tokens = 100 }
   for i = 1, o.calls do queue[i] = { attempts = 0 } end

   local function seen(at) return o.step and math.ceil(at / o.step) * o.step or at end

   local function launch()
      if o.step and events.first() == now then return end -- first all that is there by now
      while queue[head] and active < math.min(o.connections, pacer:window()) do
         local delay, call = pacer:delay(now), queue[head]
         if delay > 0 then
            if tick <= now then
               tick = seen(now + delay + 1e-9)
               events.add(tick, "tick")
            end
            return
         end
         head = head + 1
         active = active + 1
         pacer:sent(now, active)
         call.attempts, call.sent, call.latency = call.attempts + 1, now, o.latency * (0.75 + 0.5 * math.random())
         result.sent = result.sent + 1
         events.add(now + call.latency / 2, "arrived", call)
      end
   end

   local function refused(call)
      local news = pacer:limited(now, call.sent)
      local delay = room.backoff(call.attempts - 1, 0.5, 20, math.random())
      if call.attempts > 4 or (news and not budget:take(false)) then result.failed = result.failed + 1
      else events.add(seen(now + delay), "delayed", call) end
      result.tokens = math.min(result.tokens, budget:tokens())
   end

   launch()
   while result.done + result.failed < o.calls do
      local event = events.take()
      local call = event.call
      now = event.at
      if event.what == "arrived" then
         events.add(seen(now + call.latency / 2), o.accepts(now) and "accepted" or "refused", call)
      elseif event.what == "accepted" then
         active, result.done = active - 1, result.done + 1
         pacer:succeeded(call.sent)
         budget:return_one()
      elseif event.what == "refused" then
         active = active - 1
         refused(call)
      elseif event.what == "delayed" then queue[#queue + 1] = call end
      if event.what ~= "arrived" then launch() end
   end
   result.now, result.seconds = now, now - (o.start or 100)
   return result
end

describe("200 calls at once against a rate limit", function()
   for _, rate in ipairs { 20, 50, 200 } do
      for _, burst in ipairs { 0, 10, 50 } do
         it(("of %d per second and a burst of %d all succeed, by at most 1.3 times as many requests"):format(rate, burst), function()
            for _, connections in ipairs { 8, 100 } do
               for _, latency in ipairs { 0.005, 0.03, 0.1 } do
                  for seed = 1, 10 do
                     local step = seed % 2 == 0 and 1 / 60 or nil -- as a game does, or at each answer
                     local name = ("%d connections, latency %g, seed %d"):format(connections, latency, seed)
                     local r = drive { calls = 200, connections = connections, latency = latency, seed = seed,
                        accepts = leaky_bucket(rate, burst), step = step }
                     assert.equal(200, r.done, name)
                     assert.equal(0, r.failed, name)
                     assert.is_true(r.sent <= 250, name .. ": sent " .. r.sent) -- 260 is the promise
                     assert.is_true(r.seconds <= 3 * 200 / rate + 10, name .. ": seconds " .. r.seconds)
                  end
               end
            end
         end)
      end
   end

   it("find their way to 100 in flight as fast when the client is stepped once a frame", function()
      local r = drive { calls = 1000, connections = 100, latency = 0.05, seed = 1, accepts = function() return true end, step = 1 / 60 }
      assert.same({ 1000, 1000 }, { r.sent, r.done })
      assert.is_true(r.seconds <= 1.2, r.seconds) -- 14 rounds of 67 ms
   end)

   it("send no request twice where there is none", function()
      for _, connections in ipairs { 8, 100 } do
         local r = drive { calls = 200, connections = connections, latency = 0.03, seed = 1, accepts = function() return true end }
         assert.same({ 200, 200, 0 }, { r.sent, r.done, r.failed })
      end
   end)
end)

describe("calls against a rate limit", function()
   it("all succeed where the limit strikes with 100 in flight", function()
      for seed = 1, 10 do
         local bucket, seen = leaky_bucket(50, 10), 0
         local r = drive { calls = 2000, connections = 100, latency = 0.05, seed = seed, accepts = function(now)
            seen = seen + 1
            return seen < 1000 or bucket(now)
         end }
         assert.same({ 2000, 0 }, { r.done, r.failed })
         assert.is_true(r.sent <= 2300, r.sent)
      end
   end)

   it("come near the limit in the long run", function()
      for _, rate in ipairs { 20, 50, 200 } do
         local r = drive { calls = 3000, connections = 8, latency = 0.03, seed = 7, accepts = leaky_bucket(rate, 10) }
         assert.same({ 3000, 0 }, { r.done, r.failed })
         assert.is_true(r.sent <= 3150, r.sent)
         assert.is_true(r.seconds <= 1.5 * 3000 / rate, r.seconds)
      end
   end)

   it("all succeed in crowd after crowd through the same pacer", function()
      local pacer, accepts, now = room.pacer(), leaky_bucket(50, 10), 100
      for seed = 1, 10 do
         local r = drive { calls = 200, connections = 100, latency = 0.03, seed = seed, pacer = pacer, accepts = accepts, start = now }
         assert.same({ 200, 0 }, { r.done, r.failed })
         assert.is_true(r.sent <= 260, r.sent)
         now = r.now + seed
      end
   end)

   it("do not go on for ever where everything is refused", function()
      local r = drive { calls = 200, connections = 8, latency = 0.03, seed = 1, accepts = function() return false end }
      assert.same({ 0, 200 }, { r.done, r.failed })
      assert.is_true(r.sent <= 240, r.sent)
   end)
end)
