-- The transport room where libcurl or the machine is another one, through the test-only binding
-- transport_room: in a process of its own, with other_world.c preloaded.
local room = require "transport_room"
local raw_server = require "spec.support.raw_server"
local world = require "spec.support.world"

local _, _, looks_up_aside = room.library()

local server

setup(function() server = raw_server.start() end)
teardown(function() server:stop() end)
before_each(function() server:play "ok" end)

describe("where libcurl or the machine is another one,", function()
   local shim = os.tmpname()

   setup(function() assert(os.execute(("cc -shared -fPIC -o %s spec/support/other_world.c -ldl"):format(shim))) end)
   teardown(function() os.remove(shim) end)

   local function elsewhere(variables, text)
      local before =
         ("unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR; export LD_PRELOAD=%s${LD_PRELOAD:+:$LD_PRELOAD} %s"):format(
            shim, variables)
      local said = world.script([[
         local maps = io.open "/proc/self/maps"
         if not maps:read("a"):find("]] .. shim .. [[", 1, true) then return print "not preloaded" end
         maps:close()
         local room = require "transport_room"
         local function run(net, x)
            local until_then = room.now() + 20
            repeat net:step(0.2) until not x:look().running or room.now() > until_then
            return x:look()
         end
         local net = room.new { allow_http = true, http2 = true, proxy = "", connect_timeout = 1,
            ca_file = "]] .. server.ca_file .. [[" }
      ]] .. text, before)
      if said ~= "not preloaded\n" then return said end
      -- a checker's own lua5.4 preloads what it needs, and nothing else
      pending "nothing can be preloaded here"
   end

   it("each address of a name gets its share of the time to connect", function()
      local socket = require "socket"
      -- the first takes no connection: its queue is full
      local full, good = assert(socket.tcp()), assert(socket.tcp())
      assert(full:bind("127.0.0.2", 0))
      assert(full:listen(0))
      local _, port = full:getsockname()
      local waiting = {}
      for i = 1, 4 do
         waiting[i] = socket.tcp()
         waiting[i]:settimeout(0)
         waiting[i]:connect("127.0.0.2", port)
      end
      assert(good:bind("127.0.0.3", port))
      assert(good:listen(8))
      good:settimeout(0)
      local said = elsewhere("", ([[
         local x = net:start { url = "http://two-addresses.test:%s/" }
         local until_then = room.now() + 20
         repeat net:step(0.05) until not x:look().running or x:look().sends == 1 or room.now() > until_then
         print(x:look().ending)
      ]]):format(port))
      if said then
         assert.equal("running\n", said)
         assert.truthy(good:accept())
      end
      full:close()
      good:close()
   end)

   it("no descriptor is left to children, whatever libcurl is about", function()
      server:play "silent"
      local said = elsewhere("", ([[
         local function inherited()
            local list = io.popen "ls -l /proc/self/fd"
            local text = list:read "a"
            list:close()
            return select(2, text:gsub("socket:", "")) + select(2, text:gsub("anon_inode:", ""))
               + select(2, text:gsub("pipe:", ""))
         end
         local resolving = net:start { url = "http://slow.test/" }
         local sent = net:start { url = "%s/a" }
         local secure = net:start { url = "%s/a" }
         local until_then = room.now() + 20
         repeat net:step(0.05) until secure:look().sends == 1 and sent:look().sends == 1 or room.now() > until_then
         print(resolving:look().ending ~= "ok", sent:look().ending, secure:look().ending)
         local during = inherited()
         net:close()
         print(during - inherited())
      ]]):format(server.plain, server.secure))
      if said then assert.equal("true\trunning\trunning\n0\n", (said:gsub("^resolved\n", ""))) end
   end)

   it("the process does not wait for a resolver that stalls", function()
      if not looks_up_aside then return pending "this libcurl looks up names while the process waits" end
      local said = elsewhere("", [[
         local x = net:start { url = "http://slow.test/" }
         for _ = 1, 3 do net:step(0.01) end
         print(x:look().ending)
         net:close()
         print "closed"
         os.exit(0) -- at once, without a word of the resolver
      ]])
      if said then assert.equal("running\nclosed\n", said) end
   end)

   for variable, value in pairs { SSL_CERT_FILE = "%s", CURL_CA_BUNDLE = "%s", SSL_CERT_DIR = "%s.d" } do
      it("the authorities are those of " .. variable, function()
         local folder = server.ca_file .. ".d"
         assert(os.execute(("mkdir -p %s && cp %s %s/ca.pem && openssl rehash %s"):format(folder, server.ca_file,
            folder, folder)))
         local text = ([[
            local other = room.new { allow_http = true, proxy = "", connect_timeout = 5 }
            print(run(other, assert(other:start { url = "%s/a" })).ending)
         ]]):format(server.secure)
         local said = elsewhere(variable .. "=" .. value:format(server.ca_file), text)
         if said then
            assert.equal("ok\n", said)
            assert.equal("tls\n", elsewhere("", text))
            assert.equal("tls\n", elsewhere(variable .. "=", text)) -- empty is unset
         end
         os.execute("rm -r " .. folder)
      end)
   end

   for number, name in pairs { [10018] = "USERAGENT", [10102] = "ACCEPT_ENCODING",
                               [84] = "HTTP_VERSION", [237] = "PIPEWAIT",
                               [51] = "NETRC", [265] = "SUPPRESS_CONNECT_HEADERS", [20163] = "OPENSOCKETFUNCTION",
                               [20272] = "RESOLVER_START_FUNCTION", [10004] = "PROXY", [10246] = "PROXY_CAINFO" } do
      it("it works without CURLOPT_" .. name, function()
         local said = elsewhere("REFUSED=" .. number, ([[
            print(run(net, assert(net:start { url = "%s/a" })).body)
         ]]):format(server.secure))
         if said then assert.equal("/a\n", said) end
      end)
   end

   for number, name in pairs { [20312] = "PREREQFUNCTION", [81] = "SSL_VERIFYHOST", [10065] = "CAINFO",
      [10318] = "PROTOCOLS_STR" } do
      it("CURLOPT_" .. name .. " names itself", function()
         local said = elsewhere("REFUSED=" .. number, ([[
            print(select(2, net:start { url = "%s/a" }))
         ]]):format(server.secure))
         if said then assert.equal(("libcurl refuses CURLOPT_%s\n"):format(name), said) end
      end)
   end
end)
