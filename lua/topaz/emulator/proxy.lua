--- A forward proxy whose faults are scripted, or a balancer. Its interface is documented in
-- types/emulator_proxy.lua. This module starts the program proxy.py and controls it over a port of
-- its own.
local cjson = require "cjson"
local certificates = require "topaz.emulator.certificates"
local control = require "topaz.emulator.control"
local faults = require "topaz.emulator.faults"
local launch = require "topaz.emulator.launch"
local process = require "topaz.emulator.process"
local read_options = require "topaz.emulator.options"

local module = {}

local defaults = {
   map = {}, user = false, password = false, tls = false, to = false, delay = 0, idle_limit = 900, log_limit = 20000,
}
local ranges = { delay = { 0, 1e6 }, idle_limit = { 0, 1e9 }, log_limit = { 0, 1e9, true } }
local FAULT = faults.names [[
  match times after delay status headers body reason drip raw tunnel_raw slow again bytes close reset silent]]
local STAGE = faults.names "accept request established hello handshake sent answer"
STAGE[true] = true

local methods = {}
local Proxy = { __index = methods, __name = "proxy" }

function module.start(options)
   local settings = read_options(options, defaults, "emulator.proxy", ranges)
   local kind = settings.tls == true and "good" or settings.tls
   local pem = kind and certificates.get(kind)
   settings.tls = pem and { server = pem.server, key = pem.key } or false
   settings.owner = process.self()
   settings.owner_stamp = process.stamp(settings.owner)
   local server, said = process.start(("python3 -I -S -B %s %s"):format(
      process.quote(launch.folder .. "proxy.py"), process.quote(cjson.encode(settings))))
   local port, door = said:match("^(%d+) (%d+)$")
   if not port then error("emulator.proxy: proxy.py did not start (is python3 installed?): " .. said, 2) end
   local self = setmetatable({
      server = server, owner = settings.owner, pid = server.pid, port = math.tointeger(port),
      door = math.tointeger(door),
      url = kind and "https://localhost:" .. port or "http://127.0.0.1:" .. port,
   }, Proxy)
   if pem then
      self.ca_file = os.tmpname()
      local file = assert(io.open(self.ca_file, "w"))
      file:write(pem.ca)
      file:close()
   end
   return self
end

local function call(self, name, input)
   if not self.server then error("emulator.proxy: " .. name .. " called after stop", 3) end
   return control.call(self.door, name, input)
end

process.own(Proxy, function(self)
   process.stop(self.server, "KILL") -- it has nothing to clean up
   if self.ca_file then os.remove(self.ca_file) end
end)

function methods:url_with(user, password)
   return (self.url:gsub("://", "://" .. user .. ":" .. password .. "@", 1))
end

function methods:reset() call(self, "reset") end

function methods:set(settings)
   for name in pairs(settings) do
      if defaults[name] == nil or name == "tls" then
         error("emulator.proxy: not an option of set(): " .. tostring(name), 2)
      end
   end
   call(self, "set", settings)
end

function methods:log() return call(self, "log").log end

function methods:counts() return call(self, "counts") end

function methods:clear_log() call(self, "clear_log") end

function methods:drop() call(self, "drop") end

function methods:fault(fault)
   local sent = faults.read(fault, FAULT, "emulator.proxy")
   for _, ending in ipairs { "close", "reset", "silent" } do
      if sent[ending] and not STAGE[sent[ending]] then
         error("emulator.proxy: unknown stage: " .. tostring(sent[ending]), 2)
      end
   end
   return call(self, "fault", sent).id
end

function methods:faults() return call(self, "faults").faults end

function methods:clear_faults(id) call(self, "clear_faults", { id = id }) end

return module
