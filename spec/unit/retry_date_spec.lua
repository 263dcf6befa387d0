-- HTTP-date and Retry-After, through the test-only binding retry_room.
local room = require "retry_room"

local NOW = 1795521600 -- 2026-11-24 12:00:00 UTC

local function date(text, now) return room.http_date(text, now or NOW) end

local function imf(text) return assert(date("Sun, " .. text .. " GMT")) end

local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
local WEEKDAYS = { [0] = "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday" }

local function days_of(month, year)
   local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
   return month == 2 and (leap and 29 or 28) or (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

-- Calls f(n, weekday, day, month, year) for each of the first days since 1970. The calendar is
-- counted here: os.date ends in 2038 where a time has 32 bits, and not every system knows %e.
local function each_day(count, f)
   local day, month, year = 1, 1, 1970
   for n = 0, count - 1 do
      f(n, WEEKDAYS[n % 7], day, MONTHS[month], year)
      day = day + 1
      if day > days_of(month, year) then day, month = 1, month + 1 end
      if month > 12 then month, year = 1, year + 1 end
   end
end

describe("an HTTP-date", function()
   it("comes in three forms", function()
      assert.equal(784111777, date "Sun, 06 Nov 1994 08:49:37 GMT")
      assert.equal(784111777, date "Sunday, 06-Nov-94 08:49:37 GMT")
      assert.equal(784111777, date "Sun Nov  6 08:49:37 1994")
      assert.equal(784111777, date "Sun Nov 06 08:49:37 1994")
      assert.equal(784975777, date "Wed Nov 16 08:49:37 1994")
      assert.equal(784111777, date " \t Sun, 06 Nov 1994 08:49:37 GMT\t ")
   end)

   it("is right on every day of two centuries", function()
      each_day(73414, function(n, weekday, day, month, year)
         local second = n % 86400
         local at = n * 86400 + second
         local clock = ("%02d:%02d:%02d"):format(second // 3600, second // 60 % 60, second % 60)
         local short = weekday:sub(1, 3)
         assert.equal(at, date(("%s, %02d %s %d %s GMT"):format(short, day, month, year, clock)))
         if n % 7 == 0 then
            local early, late = math.max(0, at - 40 * 365.25 * 86400), at + 40 * 365.25 * 86400
            local two_digits = ("%s, %02d-%s-%02d %s GMT"):format(weekday, day, month, year % 100, clock)
            assert.equal(at, date(("%s %s %2d %s %d"):format(short, month, day, clock, year)))
            assert.equal(at, date(two_digits, early))
            assert.equal(at, date(two_digits, late))
         end
      end)
   end)

   it("knows the ends of the calendar", function()
      assert.equal(0, date "Thu, 01 Jan 1970 00:00:00 GMT")
      assert.equal(-1, date "Wed, 31 Dec 1969 23:59:59 GMT")
      assert.equal(-62135596800, date "Mon, 01 Jan 0001 00:00:00 GMT")
      assert.equal(-62167219200, date "Sat, 01 Jan 0000 00:00:00 GMT")
      assert.equal(253402300799, date "Fri, 31 Dec 9999 23:59:59 GMT")
      assert.equal(253402300800, date "Fri, 31 Dec 9999 23:59:60 GMT")
   end)

   it("knows leap years and leap seconds", function()
      assert.equal(951782400, date "Tue, 29 Feb 2000 00:00:00 GMT")
      assert.equal(1709164800, date "Thu, 29 Feb 2024 00:00:00 GMT")
      assert.is_nil(date "Mon, 29 Feb 1900 00:00:00 GMT")
      assert.is_nil(date "Mon, 29 Feb 2100 00:00:00 GMT")
      assert.is_nil(date "Wed, 29 Feb 2023 00:00:00 GMT")
      assert.is_nil(date "Fri, 30 Feb 2024 00:00:00 GMT")
      assert.equal(1483228800, date "Sat, 31 Dec 2016 23:59:60 GMT")
      assert.is_nil(date "Sat, 31 Dec 2016 23:58:60 GMT")
      assert.is_nil(date "Sat, 31 Dec 2016 22:59:60 GMT")
      assert.is_nil(date "Sat, 31 Dec 2016 23:59:61 GMT")
   end)

   it("may name a weekday that is not the right one", function()
      for _, day in ipairs { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" } do
         assert.equal(784111777, date(day .. ", 06 Nov 1994 08:49:37 GMT"))
         assert.equal(784111777, date(day .. " Nov  6 08:49:37 1994"))
      end
      for _, day in ipairs { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" } do
         assert.equal(784111777, date(day .. ", 06-Nov-94 08:49:37 GMT"))
      end
   end)

   it("with a two-digit year is at most 50 years in the future", function()
      local function year(text, now) return date("Monday, " .. text .. " GMT", now) end
      assert.equal(imf "24 Nov 2076 12:00:00", year "24-Nov-76 12:00:00")
      assert.equal(imf "24 Nov 1976 12:00:01", year "24-Nov-76 12:00:01")
      assert.equal(imf "25 Nov 1976 00:00:00", year "25-Nov-76 00:00:00")
      assert.equal(imf "23 Nov 2076 23:59:59", year "23-Nov-76 23:59:59")
      assert.equal(imf "01 Jan 1977 00:00:00", year "01-Jan-77 00:00:00")
      assert.equal(imf "31 Dec 2075 00:00:00", year "31-Dec-75 00:00:00")
      assert.equal(imf "31 Dec 2026 00:00:00", year "31-Dec-26 00:00:00")
      assert.equal(imf "01 Jan 2000 00:00:00", year "01-Jan-00 00:00:00")
      assert.equal(imf "01 Jan 1999 00:00:00", year "01-Jan-99 00:00:00")
      assert.equal(imf "29 Feb 2076 00:00:00", year "29-Feb-76 00:00:00")
      assert.is_nil(year "29-Feb-77 00:00:00")
      assert.equal(imf "29 Feb 2000 00:00:00", year "29-Feb-00 00:00:00")
      local late = imf "01 Jun 2099 00:00:00"
      assert.equal(imf "01 Jan 2105 00:00:00", year("01-Jan-05 00:00:00", late))
      assert.equal(imf "01 Jun 2149 00:00:00", year("01-Jun-49 00:00:00", late))
      assert.equal(imf "01 Jun 2049 00:00:01", year("01-Jun-49 00:00:01", late))
      assert.is_nil(year("29-Feb-00 00:00:00", late)) -- 2100
   end)

   it("counts 50 years by the calendar in a leap year too", function()
      local now = imf "31 Dec 2028 00:00:00"
      assert.equal(imf "31 Dec 2078 00:00:00", date("Monday, 31-Dec-78 00:00:00 GMT", now))
      assert.equal(imf "31 Dec 1978 00:00:01", date("Monday, 31-Dec-78 00:00:01 GMT", now))
      now = imf "01 Mar 2028 00:00:00"
      assert.equal(imf "01 Mar 2078 00:00:00", date("Monday, 01-Mar-78 00:00:00 GMT", now))
      assert.equal(imf "01 Mar 1978 00:00:01", date("Monday, 01-Mar-78 00:00:01 GMT", now))
   end)

   it("with a two-digit year copes with any clock", function()
      local text = "Sunday, 06-Nov-94 08:49:37 GMT"
      for _, now in ipairs { 0 / 0, -1, -1e300, -math.huge, 0 } do
         assert.equal(imf "06 Nov 1994 08:49:37", date(text, now))
         assert.equal(imf "06 Nov 1920 08:49:37", date("Sunday, 06-Nov-20 08:49:37 GMT", now))
      end
      for _, now in ipairs { 253402300799, 1e15, 1e300, math.huge } do
         assert.equal(imf "06 Nov 9994 08:49:37", date(text, now))
      end
   end)

   it("is refused where anything is off", function()
      for _, text in ipairs { "", " ", "S", "Sun", "Sun,", "Sun, 06", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37",
         "Sun, 06 Nov 1994 08:49:37 ", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 gmt",
         "Sun, 06 Nov 1994 08:49:37 GM", "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 06 Nov 1994 08:49:37 GMT\0",
         "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 08:49:37 +0000", "06 Nov 1994 08:49:37 GMT",
         "sun, 06 Nov 1994 08:49:37 GMT", "SUN, 06 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
         "Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
         "Sun,  6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 NOV 1994 08:49:37 GMT",
         "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 November 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
         "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 19945 08:49:37 GMT", "Fri, 01 Jan 100000 00:00:00 GMT",
         "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
         "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:3 GMT", "Sun, 06 Nov 1994 08:49:37.5 GMT",
         "Sun, 06 Nov 1994 08-49:37 GMT", "Sun, 06 Nov 1994 08:49-37 GMT", "Sun, 06 Nov 1994  08:49:37 GMT",
         "Sun, 06Nov 1994 08:49:37 GMT", "Sun, 06 Nov1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
         "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 1994 08:49:99 GMT",
         "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Dec 1994 08:49:37 GMT",
         "Sun, 06 Nov 1994 0x:49:37 GMT", "Sun, 0/ Nov 1994 08:49:37 GMT", "Sun, 0: Nov 1994 08:49:37 GMT",
         "Sunday, 06-Nov-94 08:49:37", "Sunday 06-Nov-94 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
         "Sunday, 6-Nov-94 08:49:37 GMT", "Sunday, 06-nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
         "Sunday, 06 Nov 94 08:49:37 GMT", "Sunday, 06-Nov 94 08:49:37 GMT", "Sunday, 06-Nov-9 08:49:37 GMT",
         "Sunday, 06-Nov-94-08:49:37 GMT", "Sunday, 06-Nov-94 08:49 GMT", "Sunday, 06-Nov-94 08:49:37 GMT;",
         "Sunday, 31-Jun-94 08:49:37 GMT", "Sunday, xx-Nov-94 08:49:37 GMT",
         "Sun Nov 6 08:49:37 1994", "Sun Nov   6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT",
         "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 100000", "Sun Nov  6 08:49:37", "Sun nov  6 08:49:37 1994",
         "Sunday Nov  6 08:49:37 1994", "Sun  Nov  6 08:49:37 1994", "Sun Nov  0 08:49:37 1994",
         "Sun Nov 31 08:49:37 1994", "Sun Nov  6 24:00:00 1994", "Sun, Nov  6 08:49:37 1994",
         "SunXNov  6 08:49:37 1994", "Sun NovX 6 08:49:37 1994", "Sun Nov  6X08:49:37 1994", "Sun Nov  6 08:49:37X1994",
         "Sun Nov  x 08:49:37 1994", "Sun Nov x6 08:49:37 1994",
         "1994-11-06T08:49:37Z", "784111777" } do
         assert.is_nil(date(text), text)
      end
   end)

   it("that is cut anywhere is refused", function()
      for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
         "Sun Nov  6 08:49:37 1994" } do
         for n = 0, #text - 1 do assert.is_nil(date(text:sub(1, n)), text:sub(1, n)) end
      end
   end)
end)

describe("Retry-After", function()
   local function after(text, server) return room.after(text, server or -1, NOW) end

   it("is a number of seconds", function()
      for text, seconds in pairs { ["0"] = 0, ["00"] = 0, ["2"] = 2, ["007"] = 7, ["119"] = 119, [" 5 "] = 5,
         ["\t5"] = 5, ["5 \t "] = 5, ["86400"] = 86400, ["000000000000001"] = 1, ["123456789012345"] = 123456789012345,
         ["999999999999999"] = 999999999999999 } do
         assert.equal(seconds, after(text), text)
      end
   end)

   it("is nothing where it is garbage", function()
      for _, text in ipairs { "", " ", "\t", ",", " , ,", "soon, 1.5", "Sun,", "Sun, 5, 1.5", "1.5", "1.", ".5", "-5",
         "+5", "- 5", "12abc", "soon", "inf", "nan", "infinity", "0x10", "1e3", "1_000", "5s", "5 6", "5\0", "\0",
         "5\n", "\r5", "\u{a0}5",
         "\u{665}", ("9"):rep(35), ("0"):rep(16), "1000000000000000", "9999999999999999", "2099-10-21T07:28:00Z",
         "Fri, 01 Jan 100000 00:00:00 GMT", "Xyz, 06 Nov 2094 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37", "/", ":" } do
         assert.is_nil(after(text), ("%q"):format(text))
         assert.is_nil(after(text, NOW), ("%q"):format(text))
      end
   end)

   it("is a date, read against the server's own", function()
      local at = imf "24 Nov 2026 12:00:05"
      for _, text in ipairs { "Tue, 24 Nov 2026 12:00:05 GMT", "Tuesday, 24-Nov-26 12:00:05 GMT",
         "Tue Nov 24 12:00:05 2026", " Tue, 24 Nov 2026 12:00:05 GMT " } do
         assert.equal(5, after(text), text)
         assert.equal(5, after(text, -0.5), text)
         assert.equal(5, after(text, 0 / 0), text)
         assert.equal(3600, after(text, at - 3600), text)
         assert.equal(0, after(text, at), text)
         assert.equal(0, after(text, at + 1), text)
         assert.equal(at, after(text, 0), text)
         assert.equal(0.25, after(text, at - 0.25), text)
      end
   end)

   it("is the longest of several, in one header or more", function()
      local imf_date, long_date, short_date =
         "Tue, 24 Nov 2026 12:00:05 GMT", "Tuesday, 24-Nov-26 12:00:07 GMT", "Tue Nov 24 12:00:09 2026"
      for text, seconds in pairs {
         ["3, 3"] = 3, ["3,3"] = 3, ["120, 240"] = 240, ["240,120"] = 240, [" 3 ,\t4 , "] = 4, [",5"] = 5, [",,5,"] = 5,
         ["soon, 7"] = 7, ["7, soon"] = 7, ["7, -9, 1.5"] = 7, ["Sun, 5, 7"] = 7,
         [imf_date .. ", 3"] = 5, ["3, " .. imf_date] = 5, ["6," .. imf_date] = 6,
         [imf_date .. "," .. long_date] = 7, [long_date .. " , " .. imf_date .. ", 1"] = 7,
         [short_date .. ", " .. imf_date] = 9, [imf_date .. ", " .. short_date .. ", " .. long_date] = 9,
      } do
         assert.equal(seconds, after(text), text)
      end
      assert.equal(3600, after(imf_date .. ", 3", imf "24 Nov 2026 11:00:05"))
      assert.equal(3, after(imf_date .. ", 3", imf "24 Nov 2026 13:00:05"))
   end)

   it("in the past is 0", function()
      assert.equal(0, after "Sun, 06 Nov 1994 08:49:37 GMT")
      assert.equal(0, after "Sunday, 06-Nov-94 08:49:37 GMT")
      assert.equal(0, after "Sun Nov  6 08:49:37 1994")
      assert.equal(0, after "Sat, 01 Jan 0000 00:00:00 GMT")
      assert.equal(86400, after "Wed, 25 Nov 2026 12:00:00 GMT")
   end)
end)
