-- The pacer by itself, through the test-only binding retry_room.
-- Against a rate limit on a simulated clock it is in retry_rate_limit_spec.
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

   it("keeps the ceiling, but for a burst of a twentieth of a second", function()
      for _, max_rate in ipairs { 0.1, 1, 7, 50, 1000, 5000 } do
         local burst = math.max(1, max_rate * 0.05)
         local pacer, now, times = room.pacer(max_rate), 100, {}
         assert.equal(0, pacer:delay(now))
         for i = 1, 500 do
            if i % 50 == 0 then now = now + 3 / max_rate end
            now = now + pacer:delay(now)
            assert.equal(0, pacer:delay(now))
            pacer:sent(now, 1)
            pacer:succeeded(now)
            times[i] = now
         end
         for i = 1, 500, 7 do
            for j = i, 500, 11 do -- in no span more than the rate gives, and the burst
               assert.is_true(j - i + 1 <= (times[j] - times[i]) * max_rate + burst + 1e-6)
            end
         end
         assert.equal(0, pacer:rate())
      end
   end)

   it("reaches the ceiling also where it is asked 60 times a second", function()
      for _, max_rate in ipairs { 5, 60, 200, 1000 } do
         local pacer, sent = room.pacer(max_rate), 0
         for frame = 0, 599 do
            local now = 100 + frame / 60
            while pacer:delay(now) == 0 do
               pacer:sent(now, 1)
               sent = sent + 1
            end
         end
         assert.is_true(sent >= 9.5 * max_rate and sent <= 10 * max_rate + math.max(1, max_rate * 0.05),
            max_rate .. ": " .. sent)
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
      -- sent at the moment of the cut: before it, since the cut holds everything
      assert.is_false(pacer:limited(10.5, 10.3))
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

   it("grows by 2 per success after the first cut, by half after the next, and not for what was sent before", function()
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
      pacer:sent(20.1, 1)
      assert.near(10, pacer:delay(20.1), 1e-9)
   end)
end)
