-- Calls through a proxy, besides what fault_table.lua has: what the proxy gets to see,
-- what an error says of it, how a call is cancelled in it, and which proxy the environment names.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local names = require "spec.support.names"
local world = require "spec.support.world"

local NAME = "api.example.test"

describe("a proxy:", function()
   local emulator, proxy, id, tls_name, plain_name

   setup(function()
      emulator = emulators.start { tls = true }
      tls_name = NAME .. emulator.tls_address:match ":%d+"
      plain_name = NAME .. emulator.address:match ":%d+"
      proxy = proxies.start { map = { [tls_name] = emulator.tls_address, [plain_name] = emulator.address } }
   end)
   teardown(function()
      proxy:stop()
      emulator:stop()
   end)
   before_each(function()
      proxy:reset()
      emulator:reset()
      id = emulator:add_jobs(1)[1]
   end)

   local function client(more)
      local options = { base_url = ("https://%s/image/v1"):format(tls_name), ca_file = emulator.ca_file,
         proxy = proxy.url, max_retries = 0 }
      for name, value in pairs(more or {}) do options[name] = value end
      return world.client(emulator, options)
   end

   it("is asked once for a tunnel that many calls use, over HTTP/2 too", function()
      for _, http2 in ipairs { true, false } do
         proxy:clear_log()
         emulator:clear_log()
         local one <close> = client { http2 = http2 }
         for _ = 1, 5 do assert(one:get_status(id)) end
         assert.equal(1, proxy:counts().total)
         assert.equal(http2 and topaz.core.libcurl.http2 and 2 or 1.1, emulator:requests()[5].http_version)
      end
   end)

   it("never gets the key, and the API never gets the proxy's credentials", function()
      proxy:set { user = "me", password = "secret" }
      local one <close> = client { proxy = proxy:url_with("me", "secret") }
      assert(one:get_status(id))
      local asked = proxy:log()[1]
      assert.equal("CONNECT", asked.method)
      assert.equal(tls_name, asked.target)
      for name, value in pairs(asked.headers) do
         assert.is_true(name == "host" or name == "user-agent" or name:find "^proxy%-" ~= nil, name)
         assert.is_nil(value:find(emulator.key, 1, true))
      end
      local request = emulator:requests()[1]
      assert.equal(emulator.key, request.headers["x-api-key"])
      for name in pairs(request.headers) do assert.is_nil(name:find "^proxy") end
   end)

   it("is named by the error when it refuses, with its code and without the credentials", function()
      for _, code in ipairs { 302, 403, 404, 407, 429, 503 } do
         proxy:fault { status = code, body = '{"code":1,"message":"not from the API"}',
            headers = { ["X-Request-Id"] = "of-the-proxy" } }
         local one <close> = client { proxy = proxy:url_with("me", "hunter2hunter2") }
         local ok, err = one:get_status(id)
         assert.is_nil(ok)
         assert.equal("network", err.kind)
         assert.equal("unsent", err.outcome)
         assert.is_nil(err.http_status)
         assert.is_nil(err.code)
         assert.is_nil(err.request_id)
         local text = tostring(err)
         assert.matches("proxy", text)
         assert.matches(tostring(code), text, 1, true)
         assert.matches("127.0.0.1:" .. proxy.port, text, 1, true)
         assert.is_nil(text:find("hunter2", 1, true))
         assert.is_nil(text:find("not from the API", 1, true))
      end
      assert.equal(0, emulator:counts().total)
   end)

   it("is where a call may be cancelled: nothing was sent", function()
      for _, stage in ipairs { "accept", "request", "established", "hello", "handshake" } do
         for _, call in ipairs { { "delete_status", id }, { "delete_all_statuses" }, { "get_status", id } } do
            proxy:clear_log()
            proxy:fault { silent = stage }
            local one <close> = client { max_retries = 4 }
            local request = one:start(table.unpack(call))
            repeat one:step(0.01) until (proxy:log()[1] or {}).method or stage == "accept" and proxy:counts().total > 0
            for _ = 1, 5 do one:step(0.005) end
            request:cancel()
            local ok, err = request:result()
            assert.is_nil(ok)
            assert.same({ "cancelled", "unsent" }, { err.kind, err.outcome }, stage .. " " .. call[1])
         end
      end
      assert.equal(0, emulator:counts().total)
      assert.equal(1, #emulator:jobs())
   end)

   it("on another machine does not get the key unencrypted, unless that is allowed", function()
      for _, base in ipairs { "http://127.0.0.1:9/v1", "http://localhost:9/v1" } do
         for _, url in ipairs { "http://192.0.2.1:3128", "http://proxy.example.test:3128", "192.0.2.1:3128" } do
            local ok, message = pcall(topaz.client, { api_key = "k", base_url = base, proxy = url })
            assert.is_false(ok, url)
            assert.matches("allow_insecure", tostring(message))
            topaz.client({ api_key = "k", base_url = base, proxy = url, allow_insecure = true }):close()
         end
         topaz.client({ api_key = "k", base_url = base, proxy = proxy.url }):close()
         topaz.client({ api_key = "k", base_url = base, proxy = "" }):close()
      end
      topaz.client({ api_key = "k", base_url = "https://localhost:9/v1", proxy = "http://192.0.2.1:3128" }):close()
   end)

   it("is refused where libcurl has no proxies of that scheme", function()
      for _, url in ipairs { "ftp://127.0.0.1:1", "quic://localhost", "averyveryverylongscheme://localhost:1",
         "http://", "://x" } do
         local ok, message = pcall(topaz.client, { api_key = "k", proxy = url })
         assert.is_false(ok, url)
         assert.matches("bad argument 'proxy': expected a URL with http://, ", message, 1, true)
      end
      for _, scheme in ipairs { "http://", "HTTPS://", "socks4://", "socks4a://", "socks5://", "socks5h://", "" } do
         topaz.client({ api_key = "k", proxy = scheme .. "localhost:1" }):close()
      end
   end)

   describe("the environment", function()
      -- what the shell does first so that NAME leads here without a proxy as well;
      -- nil: it leads nowhere
      local direct

      setup(function() direct = names.preload { [NAME] = { "127.0.0.1" } } end)

      -- A call in a process of its own: what came of it, and how often the proxy was asked.
      local function call(environment, options)
         local lines = { direct or ":",
            "unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY" }
         for name, value in pairs(environment) do lines[#lines + 1] = ("export %s='%s'"):format(name, value) end
         proxy:clear_log()
         local words = {}
         for name, value in pairs(options) do words[#words + 1] = ("%s = %q"):format(name, value) end
         local out = world.script(([[
            local topaz = require "topaz"
            local client = topaz.client { api_key = %q, ca_file = %q, max_retries = 0, connect_timeout = 2, %s }
            local got, err = client:get_page {}
            io.write(got and "ok" or err.kind)
         ]]):format(emulator.key, emulator.ca_file, table.concat(words, ", ")), table.concat(lines, "; "))
         return out, proxy:counts().total
      end

      local function used(environment, options)
         local out, asked = call(environment, options)
         assert.same({ "ok", 1 }, { out, asked })
      end

      local function not_used(environment, options)
         local out, asked = call(environment, options)
         assert.equal(0, asked)
         if direct then assert.equal("ok", out) end
      end

      local function secure(more)
         local options = more or {}
         options.base_url = ("https://%s/image/v1"):format(tls_name)
         return options
      end

      local function plain(more)
         local options = more or {}
         options.base_url, options.allow_insecure = ("http://%s/image/v1"):format(plain_name), true
         return options
      end

      it("names a proxy for https, for http, or for both", function()
         for _, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
            used({ [variable] = proxy.url }, secure())
         end
         for _, variable in ipairs { "http_proxy", "all_proxy", "ALL_PROXY" } do
            used({ [variable] = proxy.url }, plain())
         end
         not_used({ http_proxy = proxy.url }, secure())
         not_used({ https_proxy = proxy.url }, plain())
         -- CGI sets it from a header: curl does not look at it
         not_used({ HTTP_PROXY = proxy.url }, plain())
         not_used({}, secure())
      end)

      it("has the credentials too", function()
         proxy:set { user = "me", password = "secret" }
         used({ https_proxy = proxy:url_with("me", "secret") }, secure())
         assert.same({ "network", 1 }, { call({ https_proxy = proxy.url }, secure()) })
      end)

      it("names hosts that are reached without it", function()
         for _, list in ipairs { NAME, "example.test", ".example.test", "other.test,api.example.test", "*" } do
            not_used({ https_proxy = proxy.url, no_proxy = list }, secure())
            not_used({ https_proxy = proxy.url, NO_PROXY = list }, secure())
         end
         for _, list in ipairs { "", "other.test", "i.example.test", "api.example.tes" } do
            used({ https_proxy = proxy.url, no_proxy = list }, secure())
         end
      end)

      it("counts less than the option", function()
         used({ https_proxy = "http://127.0.0.1:1" }, secure { proxy = proxy.url })
         not_used({ https_proxy = proxy.url, ALL_PROXY = proxy.url }, secure { proxy = "" })
      end)

      it("has nothing to say about this machine", function()
         for _, base in ipairs { emulator.tls_url, emulator.url, emulator.http1_url } do
            local out, asked = call({ https_proxy = proxy.url, http_proxy = proxy.url, ALL_PROXY = proxy.url },
               { base_url = base })
            assert.same({ "ok", 0 }, { out, asked })
         end
      end)
   end)
end)
