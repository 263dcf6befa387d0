--- The emulator of the API: a real nginx on loopback whose responses are made in Lua, for tests,
-- benchmarks and the demo. Its interface is documented in types/emulator.lua. This module starts
-- nginx (launch) and controls it over a port of its own (control). The folder server/ runs inside
-- nginx.
local cjson = require "cjson"
local socket = require "socket"
local certificates = require "topaz.emulator.certificates"
local control = require "topaz.emulator.control"
local faults = require "topaz.emulator.faults"
local launch = require "topaz.emulator.launch"
local process = require "topaz.emulator.process"
local read_options = require "topaz.emulator.options"
local members = require "topaz.emulator.members"

local module = {}

local defaults = {
   clock = "real", time = 1760000000, skew = 0, jobs = false, timeline = false, seed = 1, key = "emulator-api-key",
   forbidden_key = "emulator-forbidden-key", latency = 0, rate_limit = false, gzip = false, tls = false,
   protocols = "h2,http/1.1", tls_versions = "TLSv1.2 TLSv1.3", keepalive_timeout = 75, keepalive_requests = 1000,
   streams = 128, port = false, idle_limit = 900, log_limit = 20000, nginx = "nginx",
}

-- The numbers among them, see options.lua: nginx and JSON take no others.
local ranges = {
   time = { 0, 1e11 }, skew = { -1e9, 1e9 }, seed = { math.mininteger, math.maxinteger, true }, latency = { 0, 1e6 },
   keepalive_timeout = { 0, 1e6 }, keepalive_requests = { 1, 1e9, true }, streams = { 1, 1e6, true },
   port = { 1, 65535, true }, idle_limit = { 0, 1e9 }, log_limit = { 0, 1e9, true },
}

local methods = {}
local Emulator = { __index = methods, __name = "emulator" }

local function check(options)
   if options.clock ~= "real" and options.clock ~= "virtual" then
      error('emulator: clock must be "real" or "virtual"', 3)
   end
   if options.protocols ~= defaults.protocols and options.protocols ~= "http/1.1" then
      error('emulator: protocols must be "h2,http/1.1" or "http/1.1"', 3)
   end
   local burst = options.rate_limit and options.rate_limit.burst or 0
   if math.type(burst) ~= "integer" or burst < 0 then
      error("emulator: rate_limit.burst: expected an integer of 0 or more, got " .. tostring(burst), 3)
   end
end

-- Returns the settings for the Lua code inside nginx.
local function server_settings(options)
   local settings = { owner = process.self() }
   settings.owner_stamp = process.stamp(settings.owner)
   for _, name in ipairs { "clock", "time", "skew", "seed", "key", "forbidden_key", "latency", "idle_limit",
      "log_limit" } do
      settings[name] = options[name]
   end
   settings.timeline = options.timeline or nil
   return settings
end

-- Whether this emulator serves requests: another one may answer on a port that this one did not
-- get.
local function answers(server)
   local probe = socket.connect("127.0.0.1", server.ports[2])
   if not probe then return false end
   probe:close()
   local text = control.request(server.ports[2], "ping")
   return text ~= nil and text:find(cjson.encode(server.dir), 1, true) ~= nil
end

-- Ends what has been started where an error, which may be that of Ctrl-C, comes before all is.
local Start = { __close = function(start, err)
   if err ~= nil then start.emulator:stop() end
end }

function module.start(options)
   options = read_options(options, defaults, "emulator", ranges)
   check(options)
   local kind = options.tls == true and "good" or options.tls
   options.certificate = kind and certificates.get(kind)
   options.settings = server_settings(options)
   local server = {}
   local self = setmetatable({
      server = server, owner = options.settings.owner, key = options.key, forbidden_key = options.forbidden_key,
   }, Emulator)
   local start <close> = setmetatable({ emulator = self }, Start) -- luacheck: ignore 211
   launch.start(server, options, answers)
   self.pid, self.dir, self.address = server.pid, server.dir, "127.0.0.1:" .. server.ports[1]
   self.url = ("http://%s/image/v1"):format(self.address)
   if kind then
      self.tls_url = ("https://localhost:%d/image/v1"):format(server.ports[3])
      self.http1_url = ("https://localhost:%d/image/v1"):format(server.ports[4])
      self.tls_address, self.http1_address = "127.0.0.1:" .. server.ports[3], "127.0.0.1:" .. server.ports[4]
      self.ca_file = server.dir .. "/ca.pem"
   end
   if options.jobs then self.ids = self:add_jobs(options.jobs) end
   return self
end

local function call(self, name, input)
   if not self.server then error("emulator: " .. name .. " called after stop", 3) end
   return control.call(self.server.ports[2], name, input)
end

process.own(Emulator, function(self) launch.stop(self.server) end)

local SPEC = {
   count = true, status = true, timeline = true, age = true, spacing = true, creation_time = true, process_id = true,
   raw = true,
}
local CHANGE = { raw_fields = true, remove = true, floats = true }

-- Returns a specification in the server's form: members of the record are under `change`.
local function job_spec(given)
   local out, change, fields = {}, {}, {}
   for name, value in pairs(given.fields or {}) do fields[name] = value end
   for name, value in pairs(given) do
      if SPEC[name] then
         out[name] = value
      elseif CHANGE[name] then
         change[name] = value
      elseif members.is_one[name] then
         fields[name] = value
      elseif name ~= "fields" then
         error("emulator: unknown member of a job: " .. tostring(name) .. " (any name is allowed in fields = {…})", 4)
      end
   end
   if next(fields) then change.fields = fields end
   if next(change) then out.change = change end
   return out
end

function methods:add_jobs(jobs)
   if type(jobs) == "number" then jobs = { count = jobs } end
   local specs = {}
   if #jobs > 0 then
      for i, spec in ipairs(jobs) do specs[i] = job_spec(spec) end
   else
      specs[1] = job_spec(jobs)
   end
   return call(self, "add_jobs", { specs = specs, want_ids = true }).ids
end

function methods:jobs() return call(self, "jobs").jobs end

function methods:job(id) return call(self, "jobs", { id = id }).jobs[1] end

function methods:advance(seconds) return call(self, "advance", { seconds = seconds }).now end

function methods:now() return call(self, "advance", { seconds = 0 }).now end

function methods:reset() call(self, "reset") end

function methods:set(settings)
   local read = read_options(settings, { latency = false, quota = false }, "emulator", ranges)
   call(self, "set", { latency = read.latency or nil, quota = settings.quota })
end

function methods:requests() return call(self, "requests").requests end

function methods:counts() return call(self, "counts") end

function methods:clear_log() call(self, "clear_log") end

local FAULT = faults.names [[
  match times after probability delay delay_after status headers body effect redirect repeat_body big_header
  gzip_truncated gzip_corrupt gzip_members gzip_trailing gzip_bomb drop reset list_shape pagination_first
  empty_page has_next_without_cursor cursor_loop record nulls floats extra_members truncate cut_header malformed_chunk
  drip stall raw_before raw_before_times raw_after raw endless_headers close_after]]

function methods:fault(fault) return call(self, "fault", faults.read(fault, FAULT, "emulator")).id end

function methods:faults() return call(self, "faults").faults end

function methods:clear_faults(id) call(self, "clear_faults", { id = id }) end

return module
