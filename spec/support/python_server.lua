-- Starts a server that is a Python script of this folder, and talks to it. Its arguments are the
-- files of a certificate; it prints its ports, the last one of which is its control, and closes its
-- output.
local socket = require "socket"
local certificates = require "topaz.emulator.certificates"
local process = require "topaz.emulator.process"

local python_server = {}

local function write(text)
   local name = os.tmpname()
   local file = assert(io.open(name, "w"))
   file:write(text)
   file:close()
   return name
end

--- Starts one; `methods` are those of the object.
-- @tparam string script
-- @tparam string kind of its certificate, see topaz.emulator.certificates
-- @treturn table `ports`, `ca_file`, `control`: a connection
function python_server.start(script, kind, methods)
   local pem, self = certificates.get(kind), setmetatable({ ports = {} }, { __index = methods })
   self.files = { write(pem.server), write(pem.key), write(pem.ca) }
   self.ca_file = self.files[3]
   local said
   self.program, said = process.start(("python3 spec/support/%s %s %s"):format(script, self.files[1], self.files[2]))
   assert(said:find "^[%d ]+$", said)
   for port in said:gmatch "%d+" do self.ports[#self.ports + 1] = math.tointeger(tonumber(port)) end
   self.control = assert(socket.connect("127.0.0.1", self.ports[#self.ports]))
   return self
end

--- Ends it.
function python_server.stop(self)
   self.control:close()
   process.stop(self.program)
   for _, name in ipairs(self.files) do os.remove(name) end
end

return python_server
