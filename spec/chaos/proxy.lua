--- Starts the faulty proxy (proxy.c) and tells it what to do.
local script = require "spec.chaos.script"
local socket = require "socket"

local Proxy = {}
Proxy.__index = Proxy

local proxy = {}

--- Starts the program. `servers` is a list of ports of 127.0.0.1;
-- the listeners' ports are in `ports`, in that order.
function proxy.start(program, servers)
   local pipe = assert(io.popen("exec env -u LD_PRELOAD " .. program, "r"))
   local port = assert(math.tointeger(pipe:read "n"), "the proxy did not start")
   local control = assert(socket.connect("127.0.0.1", port))
   control:setoption("tcp-nodelay", true)
   control:settimeout(10)
   local self = setmetatable({ pipe = pipe, control = control, ports = {} }, Proxy)
   for _, server in ipairs(servers) do
      assert(control:send(("listen %d\n"):format(server)))
      self.ports[#self.ports + 1] = math.tointeger(tonumber(assert(control:receive()):match "^port (%d+)"))
   end
   return self
end

--- Begins a round with these rules (spec.chaos.script); connections are counted from 1.
function Proxy:begin(rules)
   local lines = { "begin\n" }
   for _, rule in ipairs(rules) do lines[#lines + 1] = "rule " .. script.line(rule) .. "\n" end
   lines[#lines + 1] = "ready\n"
   assert(self.control:send(table.concat(lines)))
   assert(assert(self.control:receive()) == "ready")
end

--- Ends all connections; what was under way to a server is handed over first.
-- @treturn table the rules that were met, as lines; its fields `connections` and `races`
function Proxy:quiesce()
   local met = {}
   assert(self.control:send "quiesce\n")
   while true do
      local line = assert(self.control:receive())
      local connections, races = line:match "^quiet (%d+) (%d+)"
      if connections then
         met.connections, met.races = math.tointeger(tonumber(connections)), math.tointeger(tonumber(races))
         return met
      end
      met[#met + 1] = line:match "^met (.*)$"
   end
end

function Proxy:stop()
   self.control:close()
   self.pipe:close()
end

Proxy.__close = Proxy.stop

return proxy
