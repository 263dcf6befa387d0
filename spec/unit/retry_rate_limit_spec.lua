-- The pacer, with back-off and budget, against a rate limit on a simulated clock, through
-- the test-only binding retry_room.
local room = require "retry_room"

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
-- o: calls, connections, latency, seed, accepts(now); optional pacer and start, and step:
-- the client looks only every so many seconds.
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
         local limit = ("of %d per second and a burst of %d"):format(rate, burst)
         it(limit .. " all succeed, by at most 1.3 times as many requests", function()
            for _, connections in ipairs { 8, 100 } do
               for _, latency in ipairs { 0.005, 0.03, 0.1 } do
                  for seed = 1, 10 do
                     -- as a game does, or at each answer
                     local step = seed % 2 == 0 and 1 / 60 or nil
                     local name = ("%d connections, latency %g, seed %d"):format(connections, latency, seed)
                     local r = drive { calls = 200, connections = connections, latency = latency, seed = seed,
                        accepts = leaky_bucket(rate, burst), step = step }
                     assert.equal(200, r.done, name)
                     assert.equal(0, r.failed, name)
                     -- 260 is the promise
                     assert.is_true(r.sent <= 250, name .. ": sent " .. r.sent)
                     assert.is_true(r.seconds <= 3 * 200 / rate + 10, name .. ": seconds " .. r.seconds)
                  end
               end
            end
         end)
      end
   end

   it("find their way to 100 in flight as fast when the client is stepped once a frame", function()
      local r = drive { calls = 1000, connections = 100, latency = 0.05, seed = 1, accepts = function() return true end,
         step = 1 / 60 }
      assert.same({ 1000, 1000 }, { r.sent, r.done })
      assert.is_true(r.seconds <= 1.2, r.seconds) -- 14 rounds of 67 ms
   end)

   it("send no request twice where there is none", function()
      for _, connections in ipairs { 8, 100 } do
         local r = drive { calls = 200, connections = connections, latency = 0.03, seed = 1, accepts = function()
            return true
         end }
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
         local r = drive { calls = 200, connections = 100, latency = 0.03, seed = seed, pacer = pacer,
            accepts = accepts, start = now }
         assert.same({ 200, 0 }, { r.done, r.failed })
         assert.is_true(r.sent <= 260, r.sent)
         now = r.now + seed
      end
   end)

   it("end where everything is refused", function()
      local r = drive { calls = 200, connections = 8, latency = 0.03, seed = 1, accepts = function() return false end }
      assert.same({ 0, 200 }, { r.done, r.failed })
      assert.is_true(r.sent <= 240, r.sent)
   end)
end)
