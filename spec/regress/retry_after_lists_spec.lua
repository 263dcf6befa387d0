-- A Retry-After that was there twice, as balancers add it, was ignored, also where both said the
-- same: the next attempt came too early. A date in a response without a Date was read against this
-- machine's clock, although the server's was known.
local world = require "spec.support.world"

local ID = "00000000-0000-4000-8000-000000000001"

local function imf(seconds) return os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds) end

describe("Retry-After", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real", skew = 3600.5, jobs = 1 })

   local function asked(headers)
      emulator():fault { status = 503, body = "", headers = headers }
      local client <close> = world.client(emulator(), { max_retries = 0 })
      local _, err = client:get_status(ID)
      assert.equal("server_error", err.kind)
      return err.retry_after
   end

   it("that is there more than once is the longest", function()
      local date = "Sun, 06 Nov 1994 08:49:37 GMT"
      for _, row in ipairs {
         { 3, { "3", "3" } }, { 3, "3, 3" }, { 7, { "3", "7" } }, { 7, "7,3" }, { 7, { "7", "soon" } },
         { 7, " \t7\t , -5" },
         { 9, { "2026-01-01", "9", "" } }, { 40, { imf(1e9 + 40), "3" }, imf(1e9) },
         { 3, imf(1e9 - 5) .. ", 3", imf(1e9) },
         { 40, { "3," .. imf(1e9 + 40), date }, imf(1e9) }, { 0, { date, date } },
         { 86400, { date, date, date, date, "86400", date, date, date, date, date } },
      } do
         assert.equal(row[1], asked { ["Retry-After"] = row[2], Date = row[3] })
      end
      assert.is_nil(asked { ["Retry-After"] = { "soon", "1.5" } })
      -- too long to be kept: not a beginning of it
      assert.is_nil(asked { ["Retry-After"] = "1" .. (" "):rep(300) .. "1" })
   end)

   it("that is a date without a Date is read against the server's clock", function()
      local client <close> = world.client(emulator(), { max_retries = 0 })
      assert(client:get_page {})
      emulator():fault {
         raw = ("HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):format(
            imf(math.ceil(emulator():now()) + 600)),
      }
      local _, err = client:get_status(ID)
      -- the test itself may take a while; by this machine's clock it would be over an hour
      assert.is_true(err.retry_after > 0 and err.retry_after <= 602, err.retry_after)
      assert.is_nil(err.message:find "max_retry_after")
   end)
end)
