-- libcurl read all certificates that the system trusts for each connection again: 40 ms of a frame,
-- eight times over HTTP/1.1. It keeps them unless it also has a folder of certificates.
local core = require "topaz.core"
local emulators = require "topaz.emulator"
local world = require "spec.support.world"

describe("the certificates that the system trusts", function()
   it("are read once for a client", function()
      local major, minor = core.libcurl.version:match "^(%d+)%.(%d+)"
      local version = tonumber(major) * 100 + tonumber(minor)
      if version < 787 or not (core.libcurl.tls or ""):find "OpenSSL" then
         return pending "this libcurl does not keep certificates"
      end
      local emulator <close> = emulators.start { tls = true }
      local out = world.script(([[
         local client <close> = require "topaz".client { api_key = %q, base_url = %q, max_retries = 0 }
         local function bytes_read()
            local file = io.open "/proc/self/io"
            local text = file and file:read "a" or ""
            if file then file:close() end
            return tonumber(text:match "rchar: (%%d+)") or -1
         end
         local reads = {}
         for i = 1, 3 do
            local before = bytes_read()
            local page, err = client:get_page() -- the emulator's certificate is not one of them
            assert(page == nil and err.kind == "tls", tostring(err))
            reads[i] = bytes_read() - before
         end
         io.write(table.concat(reads, " "))
      ]]):format(emulator.key, emulator.tls_url), "unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE")
      local first, second, third = out:match "^(%d+) (%d+) (%d+)$"
      assert(first, out)
      if tonumber(first) < 100000 then return pending "this libcurl has no file of certificates" end
      local once = tonumber(second) < 50000 and tonumber(third) < 50000
      -- A libcurl that was built without a default folder keeps them all the same. No other value
      -- helps: an empty path is a folder, too.
      if not once and version >= 821 then
         return pending "from 8.21.0 on, CURLOPT_CAPATH NULL is libcurl's default folder, with which it keeps nothing"
      end
      assert.is_true(once, out)
   end)
end)
