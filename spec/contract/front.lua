-- A helper of busted: puts Prism before every emulator that a spec starts. What comes from the client and what comes from the
-- emulator is then judged by the contract. A test that orders an answer against the contract is skipped (pending): it
-- would prove nothing. At the end the count of violations must be 0.
local busted = require "busted"
local cjson = require "cjson"
local socket = require "socket"
local emulators = require "spec.emulator"

local process = io.popen("exec node spec/contract/front.mjs build/contract spec/contract/image-status.openapi.json")
local port = assert(process:read "n", "Prism did not start")
local control = assert(socket.connect("127.0.0.1", port))

local front = {}

--- Sends a command to spec/contract/front.mjs and returns its answer.
function front.ask(command)
   assert(control:send(command .. "\n"))
   return assert(control:receive "*l")
end

function front.url(command) return "http://127.0.0.1:" .. front.ask(command) end

package.loaded["spec.contract.front"] = front

-- ---- what keeps the contract ------------------------------------------------------------------------------------------

-- A delay changes no answer, and a status of the contract comes with the contract's error body.
local HARMLESS = { match = true, times = true, after = true, probability = true, delay = true, delay_after = true, status = true }
local STATUSES = { [400] = true, [401] = true, [403] = true, [404] = true, [409] = true, [429] = true, [500] = true }
local WORDS = { Pending = true, Processing = true, Completed = true, Cancelled = true, Failed = true }

local function breaks(fault)
   for name in pairs(fault) do
      if not HARMLESS[name] then return name end
   end
   return fault.status and not STATUSES[fault.status] and fault.status or nil
end

local function breaks_record(spec)
   if type(spec) ~= "table" then return nil end
   for _, one in ipairs(spec) do
      if breaks_record(one) then return breaks_record(one) end
   end
   if spec.raw or spec.raw_fields or spec.remove or spec.floats then return "the record" end
   for _, word in ipairs(type(spec.status) == "table" and spec.status or { spec.status }) do
      if not WORDS[word] then return word end
   end
end

local function skip(why) busted.pending("answers against the contract: " .. tostring(why), 3) end

local function wrap(methods)
   local fault, add_jobs = methods.fault, methods.add_jobs
   function methods.fault(self, given)
      local why = breaks(given)
      if why then skip(why) end
      return fault(self, given)
   end
   function methods.add_jobs(self, given)
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

-- ---- the verdict ---------------------------------------------------------------------------------------------------------

busted.subscribe({ "suite", "end" }, function()
   local report = cjson.decode(front.ask "report")
   for _, text in ipairs(report.violations) do io.stderr:write("contract: ", text, "\n") end
   io.stdout:write(("contract: %d requests judged, %d violations\n"):format(report.judged, #report.violations))
   control:shutdown "both"
   process:close()
   if #report.violations > 0 or report.judged == 0 then
      busted.publish({ "error" }, { descriptor = "suite", name = "contract" }, nil, "the contract was broken", {})
   end
   return nil, true
end)
