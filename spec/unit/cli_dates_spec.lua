-- topaz.cli.dates: dates that are typed, and times that are shown. The oracle is os.date.
local dates = require "topaz.cli.dates"

describe("topaz.cli.dates", function()
   it("reads dates, with and without a time and a zone", function()
      for text, seconds in pairs {
         ["1970-01-01"] = 0, ["2024-02-29"] = 1709164800, ["2026-01-31T12:00"] = 1769860800,
         ["2026-01-31 12:00:30"] = 1769860830, ["2026-01-31t12:00:30.25Z"] = 1769860830,
         ["2026-01-31T12:00+02:00"] = 1769853600, ["2026-01-31T12:00-0130"] = 1769866200,
      } do
         assert.equal(seconds, dates.unix(dates.read(text), true), text)
         assert.equal("integer", math.type(dates.unix(dates.read(text), true)), text)
      end
      for _, text in ipairs { "", "2026", "2026-01", "2026-1-1", "2026-13-01", "2026-00-01", "2026-01-32", "2026-02-29",
         "1969-12-31", "2026-01-31T", "2026-01-31T12", "2026-01-31T24:00", "2026-01-31T12:60", "2026-01-31T12:00:60",
         "2026-01-31T12:00X", "2026-01-31Z", "2026-01-31T12:00+24:00", "2026-01-31T12:00+2", "x2026-01-31",
         "2026-01-31 ", "2026-01-31T12:00\0" } do
         assert.is_nil(dates.read(text), text)
      end
   end)

   it("counts days as the system does", function()
      for seconds = 0, math.min(dates.LATEST, 1 << 33), 86400 * 11 do
         local text = os.date("!%Y-%m-%dT%H:%M:%S", seconds)
         assert.equal(seconds, dates.unix(dates.read(text), true), text)
      end
   end)

   it("knows times that the system does not: they are shown as they came", function()
      assert.is_string(dates.shown(dates.LATEST, "iso", {}))
      assert.is_nil(dates.shown(dates.LATEST + 1, "iso", {}))
      assert.equal(253402300799, dates.unix(dates.read "9999-12-31T23:59:59Z"))
      assert.is_true(math.abs(253402300799 - dates.unix(dates.read "9999-12-31T23:59:59")) < 86400)
   end)

   it("takes a date without a zone in that of this machine", function()
      local local_noon = { year = 2026, month = 7, day = 1, hour = 12 }
      assert.equal(os.time(local_noon), dates.unix(dates.read "2026-07-01T12:00"))
      assert.equal(dates.unix(dates.read "2026-07-01T12:00Z", true), dates.unix(dates.read "2026-07-01T12:00Z"))
   end)

   it("shows times for programs and for people, and what is not a time not at all", function()
      assert.equal("2025-10-09T08:53:20Z", dates.shown(1760000000, "iso", {}))
      assert.equal("2025-10-09 08:53", dates.shown(1760000000, "minutes", { utc = true }))
      assert.equal("2025-10-09 08:53:20", dates.shown(1760000000, "seconds", { utc = true }))
      assert.equal(os.date("%Y-%m-%d %H:%M", 1760000000), dates.shown(1760000000, "minutes", {}))
      assert.is_nil(dates.shown(1760000000, "iso", { epoch = true }))
      for _, value in ipairs { -1, 1 << 37, math.maxinteger, math.mininteger, 1.5, 2.0 ^ 63, 0 / 0, "1", true, {} } do
         assert.is_nil(dates.shown(value, "iso", {}), tostring(value))
      end
      assert.is_nil(dates.shown(nil, "iso", {}))
   end)
end)
