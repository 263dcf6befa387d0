-- A helper of busted: puts Prism before every emulator that a spec starts.
-- What comes from the client and what comes from the emulator is then judged by the contract.
-- A test that orders an answer against the contract is skipped (pending): it would prove nothing.
-- Prism's findings are for spec/contract/run, see front.mjs.
local cjson = require "cjson"
local socket = require "socket"
local emulators = require "topaz.emulator"
local members = require "topaz.emulator.members"

local process = io.popen("exec node spec/contract/front.mjs build/contract spec/contract/image-status.openapi.json")
local port = assert(process:read "n", "Prism did not start")
local control = assert(socket.connect("127.0.0.1", port))

-- Collecting the process waits for its end: so it is told of it first.
local front = setmetatable({ process = process }, { __gc = function() control:shutdown "both" end })

--- Sends a command to spec/contract/front.mjs and returns its answer.
function front.ask(command)
   assert(control:send(command .. "\n"))
   return assert(control:receive "*l")
end

function front.url(command) return "http://127.0.0.1:" .. front.ask(command) end

package.loaded["spec.contract.front"] = front

-- ---- what keeps the contract --------------------------------------------------------------------

-- A delay changes no answer, and a status of the contract comes with the contract's error body
-- or one that is like it.
local HARMLESS = {
   match = true, times = true, after = true, probability = true, delay = true, delay_after = true, status = true,
   body = true, headers = true,
}
-- Statuses that the contract has for every operation, and for one of the emulator's kinds.
local STATUSES = { [401] = true, [403] = true, [429] = true, [500] = true }
local OF_KIND = {
   list = { [400] = true }, one = { [400] = true, [404] = true },
   delete_one = { [400] = true, [404] = true, [409] = true }, delete_all = {},
}
local WORDS = { Pending = true, Processing = true, Completed = true, Cancelled = true, Failed = true }

local function is_error_body(text)
   local ok, body = pcall(cjson.decode, text)
   return ok and type(body) == "table" and type(body.message) == "string"
      and (body.code == nil or type(body.code) == "number")
end

local function breaks(fault)
   for name in pairs(fault) do
      if not HARMLESS[name] then return name end
   end
   local own = OF_KIND[fault.match and fault.match.kind or "delete_all"] or OF_KIND.delete_all
   if fault.status and not STATUSES[fault.status] and not own[fault.status] then return fault.status end
   if fault.body and not is_error_body(fault.body) then return "body" end
   for name in pairs(fault.headers or {}) do
      if not name:lower():find "^retry%-after$" and name:lower() ~= "date" then return name end
   end
end

local function breaks_record(spec)
   if type(spec) ~= "table" then return nil end
   for _, one in ipairs(spec) do
      local why = breaks_record(one)
      if why then return why end
   end
   if spec.raw or spec.raw_fields or spec.remove or spec.floats then return "the record" end
   local fields = spec.fields or {}
   for _, word_or_words in pairs { spec.status, fields.status } do
      for _, word in ipairs(type(word_or_words) == "table" and word_or_words or { word_or_words }) do
         if not WORDS[word] then return word end
      end
   end
   for _, name in ipairs(members.integers) do
      if fields[name] ~= nil and math.type(fields[name]) ~= "integer" then return name end
   end
end

-- What `pending` is inside a test; busted gives it to the test's own environment only.
local pending = require "busted.core"().pending
-- A job without an `eta`, which the contract requires, gets one that says nothing.
local function with_eta(spec)
   if type(spec) ~= "table" then return spec end
   local copy = {}
   for name, value in pairs(spec) do copy[name] = math.type(name) and with_eta(value) or value end
   if copy.remove and #copy.remove == 1 and copy.remove[1] == "eta" then copy.remove, copy.eta = nil, 0 end
   return copy
end

local function skip(why) pending("answers against the contract: " .. tostring(why)) end

local function wrap(methods)
   local fault, add_jobs = methods.fault, methods.add_jobs
   function methods.fault(self, given)
      local why = breaks(given)
      if why then skip(why) end
      return fault(self, given)
   end
   function methods.add_jobs(self, given)
      given = with_eta(given)
      local why = breaks_record(given)
      if why then skip(why) end
      return add_jobs(self, given)
   end
   return true
end

local start, wrapped = emulators.start, false
function emulators.start(options)
   local emulator = start(options)
   wrapped = wrapped or wrap(getmetatable(emulator).__index)
   emulator.url = front.url("proxy " .. emulator.url)
   return emulator
end
