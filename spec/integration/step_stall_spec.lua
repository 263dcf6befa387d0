-- client:step(0) comes back at once, whatever hangs: a connect, a server, a resolver.
local core = require "topaz.core"
local socket = require "socket"
local topaz = require "topaz"
local world = require "spec.support.world"

-- A step that stalls comes back when what hangs has failed: then the request is done.
describe("client:step(0)", function()
   local function steps_and_closes(base_url)
      local client = topaz.client {
         api_key = "k", base_url = base_url, connect_timeout = 60, timeout = 60, max_retries = 0, allow_insecure = true,
      }
      local request = client:start("get_page")
      local task = client:spawn("get_page")
      for _ = 1, 100 do
         client:step(0)
         socket.sleep(0.001)
      end
      assert.is_false(request:done())
      client:close()
      assert.equal("closed", select(2, task:result()).kind)
   end

   it("is not stalled by a connect that hangs", function()
      local server = assert(socket.bind("127.0.0.1", 0, 1))
      local _, port = server:getsockname()
      local fill = {} -- a full queue: the system answers no further connect
      for i = 1, 8 do
         fill[i] = socket.tcp4()
         fill[i]:settimeout(0)
         fill[i]:connect("127.0.0.1", port)
      end
      steps_and_closes(("http://127.0.0.1:%d"):format(port))
      for _, s in ipairs(fill) do s:close() end
      server:close()
   end)

   it("is not stalled by a server that never answers", function()
      local server = assert(socket.bind("127.0.0.1", 0, 16))
      local _, port = server:getsockname()
      steps_and_closes(("http://127.0.0.1:%d"):format(port))
      steps_and_closes(("https://127.0.0.1:%d"):format(port))
      server:close()
   end)

   it("is not stalled by a name that does not resolve", function()
      local client <close> = topaz.client { api_key = "k", base_url = "https://topaz.invalid",
         max_retries = 0, timeout = 5 }
      local task = client:spawn("get_page")
      for _ = 1, 20 do client:step(0) end
      local page, err = task:await()
      assert.is_nil(page)
      assert.is_true(err.kind == "network" or err.kind == "timeout", err.kind)
      assert.equal("unsent", err.outcome)
   end)

   -- In a process of its own, under a resolver that answers once the client is closed;
   -- after a minute it gives up, and says so.
   it("is not stalled by a resolver that hangs", function()
      if not core.libcurl.async_dns then return pending "this libcurl resolves names in the calling thread" end
      local base = os.tmpname()
      local shim = assert(io.open(base .. ".c", "w"))
      shim:write [[
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>
int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r) {
  (void)n, (void)s, (void)h, (void)r;
  for (int i = 0; i < 6000 && access(getenv("RESOLVE"), F_OK) != 0; i++) usleep(10000);
  if (access(getenv("RESOLVE"), F_OK) != 0) _exit(9);
  return EAI_AGAIN;
}
]]
      shim:close()
      finally(function() for _, ending in ipairs { "", ".c", ".so", ".now" } do os.remove(base .. ending) end end)
      assert.is_true(os.execute(("cc -shared -fPIC -o %s.so %s.c"):format(base, base)))
      local text = world.script([[
local topaz, socket = require "topaz", require "socket"
local client = topaz.client { api_key = "k", base_url = "https://topaz.invalid" }
local task = client:spawn("get_page")
for _ = 1, 100 do client:step(0) socket.sleep(0.001) end
local waiting = not task:done()
client:close()
print(waiting, select(2, task:result()).kind)
io.stdout:flush()
io.open(os.getenv "RESOLVE", "w"):close()
]], ("export LD_PRELOAD=%s.so RESOLVE=%s.now"):format(base, base))
      assert.equal("true\tclosed\n", text)
   end)
end)
