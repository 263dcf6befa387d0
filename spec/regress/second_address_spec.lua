-- A name with two addresses, of which the first drops everything:
-- each attempt spent its time on the first one, and the second was never tried.
local emulators = require "topaz.emulator"
local names = require "spec.support.names"
local world = require "spec.support.world"

describe("a name with two addresses, the first of them silent:", function()
   it("the second is tried within the call", function()
      local before = names.preload { ["two.example.test"] = { "127.0.0.2", "127.0.0.1" } }
      if not before then return pending "no compiler, or a sanitizer is preloaded" end
      local emulator <close> = emulators.start { tls = true, jobs = 1 }
      for _, base in ipairs {
         { "https", emulator.tls_address:match "%d+$", "http2 = true" },
         { "https", emulator.tls_address:match "%d+$", "http2 = false" },
         { "http", emulator.address:match "%d+$", "allow_insecure = true" },
      } do
         local hole <close> = names.black_hole("127.0.0.2", tonumber(base[2]))
         emulator:clear_log()
         local out = world.script(([[
            local topaz = require "topaz"
            local client = topaz.client {
               api_key = %q, ca_file = %q, base_url = "%s://two.example.test:%d/image/v1", connect_timeout = 1, %s,
            }
            local page, err = client:get_page {}
            io.write(page and #page.data or tostring(err))
         ]]):format(emulator.key, emulator.ca_file, base[1], hole.port, base[3]), before)
         assert.equal("1", out)
         assert.equal(1, emulator:counts().total)
      end
   end)
end)
