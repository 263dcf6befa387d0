-- `keepalive_timeout = 0.5` was written into nginx's configuration as it is, which nginx refuses
-- with a message about its own syntax. Other numbers out of range failed there too, or in the
-- encoder, or later on inside nginx.
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local topaz = require "topaz"

describe("the emulator's numbers", function()
   it("may be fractions where they are seconds", function()
      local emulator <close> = emulators.start {
         keepalive_timeout = 0.5, latency = 0.001, idle_limit = 60.5, skew = -0.5, keepalive_requests = 100.0,
         streams = 4.0,
      }
      emulator:set { latency = 0.002 }
      local client <close> = topaz.client { api_key = emulator.key, base_url = emulator.url }
      assert(client:get_page())
   end)

   local function refused(start, options, text)
      local ok, err = pcall(start, options)
      if ok then err:stop() end
      assert.is_false(ok, text)
      assert.is_truthy(err:find(text, 1, true), err)
   end

   it("are refused by name where they are out of range", function()
      local nan = 0 / 0
      for text, options in pairs {
         ["emulator: keepalive_timeout: expected a number from 0 to 1000000, got -1"] = { keepalive_timeout = -1 },
         ["emulator: keepalive_timeout: expected a number from 0 to 1000000, got '5s'"] = { keepalive_timeout = "5s" },
         ["emulator: keepalive_requests: expected an integer from 1 to 1000000000, got 0"] = { keepalive_requests = 0 },
         ["emulator: streams: expected an integer from 1 to 1000000, got 1.5"] = { streams = 1.5 },
         ["emulator: latency: expected a number from 0 to 1000000, got inf"] = { latency = math.huge },
         ["emulator: idle_limit: expected a number from 0 to 1000000000, got -0.1"] = { idle_limit = -0.1 },
         ["emulator: log_limit: expected an integer from 0 to 1000000000, got 0.5"] = { log_limit = 0.5 },
         ["emulator: port: expected an integer from 1 to 65535, got 65536"] = { port = 65536 },
         ["emulator: time: expected a number from 0 to 100000000000, got true"] = { time = true },
         ["emulator: rate_limit.burst: expected an integer of 0 or more, got 0.5"] =
            { rate_limit = { rate = "1r/s", burst = 0.5 } },
      } do
         refused(emulators.start, options, text)
      end
      refused(emulators.start, { skew = nan }, "emulator: skew: expected a number from ")
      refused(emulators.start, { seed = "a" }, "emulator: seed: expected an integer from ")
      refused(proxies.start, { delay = -1 }, "emulator.proxy: delay: expected a number from 0 to 1000000, got -1")
      local emulator <close> = emulators.start()
      assert.is_false((pcall(emulator.set, emulator, { latency = "1" })))
      assert.is_false((pcall(emulator.set, emulator, { delay = 1 })))
   end)
end)
