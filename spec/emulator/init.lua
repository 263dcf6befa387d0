-- The emulator of the API: a real nginx on loopback whose answers are made in Lua, for tests, benchmarks and the demo.
--
--   local emulator = require("spec.emulator").start { jobs = 24, clock = "virtual" }
--   … emulator.url, emulator.key …
--   emulator:stop()
--
-- start { … } returns within some 50 ms a running emulator; all options are optional:
--   clock = "real"        | "virtual": stands still until advance()
--   time = 1760000000     where the virtual clock starts (Unix seconds)
--   skew = 0              seconds the service's clock is ahead of the machine's (in jobs and in Date)
--   jobs = 0              a count, or what add_jobs() takes
--   timeline = nil        the life of jobs that are added with neither status nor timeline
--   seed = 1              other ids, the same at each run
--   key, forbidden_key    the API key that is accepted, and the one that gets a 403
--   latency = 0           seconds before every answer
--   rate_limit = nil      { rate = "50r/s", burst = 10 }: nginx's limit_req, the rest gets a 429
--   gzip = false          compresses for clients that accept it
--   tls = false           true or "good", "wrong_host", "expired", "self_signed"
--   keepalive_timeout = 75, keepalive_requests = 100000, streams = 128   (HTTP/2 streams at once)
--   port = nil            a fixed port for `url` instead of a free one
--   idle_limit = 900      seconds without any request after which it ends by itself; 0: never
--   log_limit = 20000     requests the log holds; the counts go on
--   nginx = "nginx"       the program
--
-- Members: url ("http://127.0.0.1:PORT/image/v1"), tls_url ("https://localhost:PORT/image/v1", HTTP/2 and HTTP/1.1),
-- ca_file, key, forbidden_key, pid, dir, ids (of `jobs`).
--
-- Methods:
--   stop()                ends it and removes its folder; may be called again. Also done by <close> and by the
--                         collector; and it ends by itself soon after the process that started it has ended.
--   running()             whether it has not been stopped and has not ended by itself
--   reset()               no jobs, no faults, empty log, the clock as at the start; connections stay
--   add_jobs(n | spec | { spec, … }) → ids, in the order given.  A spec:
--     count = n             that many alike; lists in status and outcome are taken in turn, ranges spread
--     status = "Completed"  rests there for ever (this is also what a job without status and timeline does)
--     timeline = { pending = s, processing = s, outcome = "Completed" | "Failed" | "Cancelled", last_progress = n }
--                           s: seconds or { least, most }; the life begins when the job is added
--     age = s, spacing = s  began s seconds ago; each next one s later (with a timeline: appears then)
--     creation_time, process_id, and any of the 20 members, or fields = { any member = value }: put in place
--     raw_fields = { member = JSON text }, remove = { member, … }, raw = JSON text of the whole record
--   jobs(), job(id)       the records as the API would give them now, newest first; nil for an unknown id
--   advance(seconds), now()    the service's clock
--   set { latency = s, key = … }   changes a running one
--   requests()            the log, oldest first: { count, method, path, kind, query, args, headers (names in lower
--                         case), status (0: nothing was sent; nil: still running), connection, connection_requests,
--                         http_version, scheme, time, finished, clock, fault }
--   counts()              { total, finished, connections, not_logged, by = { ["GET /status/{process_id}"] = n, … },
--                         kinds = { list, one, delete_one, delete_all, other }, statuses = { ["200"] = n, … } }
--   clear_log()
--   fault { … } → id      adds one to the queue, see below; clear_faults([id]); faults(): those that wait for further requests
--
-- A fault. A request goes along the queue of faults; one that matches and lets nothing more through takes it.
--   match = { method, path (a Lua pattern), kind = "list" | "one" | "delete_one" | "delete_all" | "other" },
--   times = 1 (math.huge: always), after = 0 (matching requests let through first), probability = 0..1
-- What then happens; where it makes sense several go together:
--   delay = s             waits before the request takes effect; it has none if the client goes away meanwhile
--   delay_after = s       waits after it took effect, before anything is sent
--   status, headers, body answered in place of the API's answer (headers alone: added to it). A list as a header's
--                         value sends that header several times
--   effect = true         the request takes effect although something else is answered
--   redirect = url        302, or `status`
--   repeat_body = { prefix, unit, count, suffix, length = false }   a body of any size, endless without a count
--   big_header = bytes    one header of that size
--   gzip_truncated, gzip_corrupt = true   the answer compressed, and cut in the middle or spoilt from there on
--   gzip_bomb = bytes     a compressed open list and white space, a thousandth of what it unpacks to
--   drop = "before" | "after"   closes without a byte, before or after the request took effect
--   reset = true          closes by a reset (RST): alone before the request took effect, else with what it goes with
-- Shape of a list (several go together):
--   list_shape = "array" | "page"   whatever was asked for
--   pagination_first, empty_page = true (the page itself follows), has_next_without_cursor = true | "empty"
--   cursor_loop = true | n   the cursors of the first n pages come again and again (needs times > 1)
-- Shape of the records:
--   record = { fields, raw_fields, remove }  as in add_jobs;  nulls, floats, extra_members = true
-- Written by hand on the connection, which is closed afterwards; HTTP/1.1 only:
--   truncate = { at = bytes, length = true | false, chunked = true | "boundary" }   the body cut, half by default
--   cut_header = true (after the status line) | bytes
--   malformed_chunk = "garbage" | "overflow" | "negative" | "empty"
--   drip = { bytes = 1, interval = 0.05, header = false },  stall = { at = bytes, seconds = 60 }
--   raw_before (raw_before_times = n), raw_after   bytes before the answer (1xx) and after its end
--   raw = bytes           these and nothing else;   endless_headers = true
--   close_after = s       keeps the connection open for so long before it closes

local here = (...) .. "." -- spec.emulator in the checkout, topaz.emulator where it is installed
local socket = require "socket"
local certificates = require(here .. "certificates")
local control = require(here .. "control")
local launch = require(here .. "launch")
local process = require(here .. "process")
local record_members = require(here .. "members")

local module = {}

local defaults = {
  clock = "real", time = 1760000000, skew = 0, jobs = false, timeline = false, seed = 1, key = "emulator-api-key",
  forbidden_key = "emulator-forbidden-key", latency = 0, rate_limit = false, gzip = false, tls = false,
  keepalive_timeout = 75, keepalive_requests = 100000, streams = 128, port = false, idle_limit = 900,
  log_limit = 20000, nginx = "nginx",
}

local methods = {}
local Emulator = { __index = methods, __name = "emulator" }

local function checked(given)
  local options = {}
  for name in pairs(given or {}) do
    if defaults[name] == nil then error("emulator: unknown option: " .. tostring(name), 3) end
  end
  for name, value in pairs(defaults) do
    local own = given and given[name]
    if own ~= nil then value = own end
    options[name] = value
  end
  if options.clock ~= "real" and options.clock ~= "virtual" then
    error('emulator: clock must be "real" or "virtual"', 3)
  end
  return options
end

-- What the Lua inside nginx has to know.
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

function module.start(given)
  local options = checked(given)
  local kind = options.tls == true and "good" or options.tls
  options.certificate = kind and certificates.get(kind)
  options.settings = server_settings(options)
  local server = launch.start(options, function(server)
    -- Another emulator may answer on a port that this one did not get.
    local probe = socket.connect("127.0.0.1", server.ports[2])
    if not probe then return false end
    probe:close()
    local ok, pong = pcall(control.call, server.ports[2], "ping")
    return ok and pong.dir == server.dir
  end)
  local self = setmetatable({
    server = server, owner = options.settings.owner, pid = server.pid, dir = server.dir, key = options.key,
    forbidden_key = options.forbidden_key, url = ("http://127.0.0.1:%d/image/v1"):format(server.ports[1]),
  }, Emulator)
  if kind then
    self.tls_url = ("https://localhost:%d/image/v1"):format(server.ports[3])
    self.ca_file = server.dir .. "/ca.pem"
  end
  if options.jobs then self.ids = self:add_jobs(options.jobs) end
  return self
end

local function call(self, name, input)
  if not self.server then error("emulator: " .. name .. " after stop", 3) end
  return control.call(self.server.ports[2], name, input)
end

function methods:stop()
  local server = self.server
  self.server = nil
  if server then launch.stop(server) end
end

function methods:running()
  return self.server ~= nil and process.alive(self.server.pid, self.server.stamp)
end

Emulator.__close = methods.stop

-- A child made by fork has the same object, but the server belongs to the parent.
function Emulator:__gc()
  if self.server and process.self() == self.owner then pcall(self.stop, self) end
end

function Emulator:__tostring()
  return "emulator (" .. (self.server and self.url or "stopped") .. ")"
end

local SPEC = {
  count = true, status = true, timeline = true, age = true, spacing = true, creation_time = true, process_id = true,
  raw = true,
}
local CHANGE = { raw_fields = true, remove = true, floats = true }

-- One specification as the server takes it: members of the record are gathered under `change`.
local function job_spec(given)
  local out, change, fields = {}, {}, {}
  for name, value in pairs(given.fields or {}) do fields[name] = value end
  for name, value in pairs(given) do
    if SPEC[name] then
      out[name] = value
    elseif CHANGE[name] then
      change[name] = value
    elseif record_members[name] then
      fields[name] = value
    elseif name ~= "fields" then
      error("emulator: a job has no member " .. tostring(name) .. " (fields = {…} takes any)", 4)
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

function methods:set(settings) call(self, "set", settings) end

function methods:requests() return call(self, "requests").requests end

function methods:counts() return call(self, "counts") end

function methods:clear_log() call(self, "clear_log") end

local FAULT = {}
for name in ([[
  match times after probability delay delay_after status headers body effect redirect repeat_body big_header
  gzip_truncated gzip_corrupt gzip_bomb drop reset list_shape pagination_first empty_page has_next_without_cursor
  cursor_loop record nulls floats extra_members truncate cut_header malformed_chunk drip stall raw_before
  raw_before_times raw_after raw endless_headers close_after]]):gmatch("%S+") do
  FAULT[name] = true
end

function methods:fault(fault)
  local sent = {}
  for name, value in pairs(fault) do
    if not FAULT[name] then error("emulator: unknown fault: " .. tostring(name), 2) end
    sent[name] = value
  end
  if sent.times == math.huge then sent.times = -1 end
  return call(self, "fault", sent).id
end

function methods:faults() return call(self, "faults").faults end

function methods:clear_faults(id) call(self, "clear_faults", { id = id }) end

return module
