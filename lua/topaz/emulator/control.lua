--- The launcher's side of the control calls: JSON over a port of their own, so that they meet no
-- fault, no rate limit and no log.

local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"

local control = {}

-- cjson gives every number as a float; what was written as an integer comes back as one.
local function with_integers(value)
   if type(value) == "table" then
      for key, item in pairs(value) do value[key] = with_integers(item) end
      return value
   end
   return math.type(value) == "float" and math.tointeger(value) or value
end

--- Sends the command `name` with a table and returns the text of the response and its HTTP status;
-- or nil and why, if the server does not answer.
function control.request(port, name, input)
   local text, out = cjson.encode(input or {}), {}
   local ok, status = http.request {
      url = ("http://127.0.0.1:%d/_emulator/%s"):format(port, name), method = "POST",
      headers = { ["content-length"] = #text, ["content-type"] = "application/json" },
      source = ltn12.source.string(text), sink = ltn12.sink.table(out),
   }
   if not ok then return nil, status end
   return table.concat(out), status
end

--- The same, and returns the response as a table. Raises if the server does not answer.
function control.call(port, name, input)
   local text, status = control.request(port, name, input)
   if not text then error("emulator: the server did not answer " .. name .. ": " .. tostring(status), 3) end
   local result = with_integers(cjson.decode(text))
   if status ~= 200 then error("emulator: " .. name .. ": " .. tostring(result.error), 3) end
   return result
end

return control
