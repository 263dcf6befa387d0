-- What a server says of its limit, as it is read: through the test-only binding retry_room.
local room = require "retry_room"

local NOW = 1760000000

describe("RateLimit and RateLimit-Policy", function()
   local function read(...) return { room.quota_list(...) } end

   it("are read as a structured field", function()
      assert.same({ 50, 30, -1 }, read '"default";r=50;t=30')
      assert.same({ 50, 30, 100 }, read('"default";r=50;t=30', '"default";q=100;w=60'))
      assert.same({ 0, 7, -1 }, read ' "a" ; t=7 ; r=0 ')
      assert.same({ 1, 2, -1 }, read 'token;r=1;t=2')
      assert.same({ 9, 5, 10 }, read('"a,b;c";r=9;t=5', '"x";q=1;w=1, "a,b;c";q=10;w=60'))
      assert.same({ 3, 1, -1 }, read '"a\\"b";pk=:cHM=:;r=3;t=1')
   end)

   it("take the window of the policy where the time is missing", function()
      assert.same({ 4, 60, 100 }, read('"default";r=4', '"default";q=100;w=60'))
      assert.same({}, read('"default";r=4', '"other";q=100;w=60'))
      assert.same({}, read '"default";r=4')
   end)

   it("count by the limit that leaves least", function()
      assert.same({ 2, 50000, -1 }, read '"burst";r=5;t=1, "day";r=2;t=50000')
      assert.same({ 0, 60, -1 }, read '"a";r=0;t=1,"b";r=0;t=60')
      assert.same({ 7, 9, -1 }, read '"a";r=x;t=1, "b";r=7;t=9')
   end)

   it("are read in the older form too", function()
      assert.same({ 50, 5, 100 }, read "limit=100, remaining=50, reset=5")
      assert.same({}, read "limit=100, remaining=50")
   end)

   it("are not read where they make no sense", function()
      for _, text in ipairs { "", ",", ";", '"', '"a', '"a";r=-1;t=5', '"a";r=1.5;t=5', '"a";r=;t=5', '"a";r=1;t=',
         '"a";r=9999999999999999;t=5', '"a";r=1;t=2678401', '"a";R=1;T=5', "remaining=x, reset=5",
         "limit=0, remaining=0, reset=5", '"a";r=0x1;t=5', '"a";r= 1 2;t=5' } do
         assert.same({}, read(text), text)
      end
      assert.same({}, read('"a";r=0;t=5', '"a";q=0;w=5'))
   end)
end)

describe("RateLimit-Limit, -Remaining and -Reset", function()
   local function read(...) return { room.quota_fields(...) } end

   it("are read with a reset in seconds", function()
      assert.same({ 5, 30, 100 }, read("100", "5", "30", NOW))
      assert.same({ 0, 0, -1 }, read("", "0", "0", NOW))
      assert.same({ 5, 30, 10 }, read("10, 10;w=1, 100;w=60", "5", "30", NOW))
      assert.same({ 5, 2678400, -1 }, read("", " 5 ", "2678400\t", NOW))
   end)

   it("are read with a reset as a Unix time, by the server's clock", function()
      assert.same({ 5, 40, -1 }, read("", "5", tostring(NOW + 40), NOW))
      assert.same({ 5, 0, -1 }, read("", "5", tostring(NOW - 40), NOW))
   end)

   it("are not read where they make no sense", function()
      for _, case in ipairs { { "", "", "5" }, { "", "5", "" }, { "", "-1", "5" }, { "", "5", "-1" },
         { "", "5.0", "5" }, { "", "5", "5s" }, { "0", "0", "5" }, { "", "5", "2678401" },
         { "", "5", tostring(NOW * 1000) },
         { "", "5", "999999999" }, { "", "5", "Sun, 06 Nov 1994 08:49:37 GMT" }, { "", "1e3", "5" },
         { "", "5, 6", "5" }, { "", "99999999999999999999", "5" } } do
         assert.same({}, read(case[1], case[2], case[3], NOW), table.concat(case, "|"))
      end
   end)
end)
