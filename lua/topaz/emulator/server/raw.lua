--- Writes a response to the socket itself, for what nginx would never send. HTTP/1.1 only: the
-- connection is closed afterwards. (LuaJIT, inside nginx.)

local ffi = require "ffi"
local base = require "resty.core.base"
local clock = require "topaz.emulator.server.clock"

local raw = {}

local reasons = {
   [200] = "OK", [202] = "Accepted", [204] = "No Content", [302] = "Found", [400] = "Bad Request",
   [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [409] = "Conflict", [429] = "Too Many Requests",
   [500] = "Internal Server Error", [503] = "Service Unavailable",
}

ffi.cdef [[
typedef struct { void *data; void *read; void *write; int fd; } emulator_connection;
typedef struct { uint32_t signature; emulator_connection *connection; } emulator_request;
typedef struct { int onoff; int seconds; } emulator_linger;
int setsockopt(int fd, int level, int name, const void *value, unsigned size);
]]

local SOL_SOCKET, SO_LINGER = 1, 13
local NGX_HTTP_CLOSE = 444

-- Makes the close of this connection a reset: the kernel discards the bytes that it holds and sends
-- RST. The two structures above are the first members of nginx's own, unchanged for ten years.
local function reset_at_close()
   local request = ffi.cast("emulator_request *", base.get_request())
   ffi.C.setsockopt(request.connection.fd, SOL_SOCKET, SO_LINGER, ffi.new("emulator_linger", 1, 0), 8)
end

--- Closes the connection and sends nothing more.
function raw.close(with_reset)
   if with_reset then reset_at_close() end
   return ngx.exit(NGX_HTTP_CLOSE)
end

-- Returns the head of a response; `framing` is its last header line.
local function head(reply, framing)
   local lines = {
      ("HTTP/1.1 %d %s"):format(reply.status, reasons[reply.status] or "Status"),
      "Date: " .. ngx.http_time(math.floor(clock.now())),
   }
   if reply.body then lines[#lines + 1] = "Content-Type: application/json" end
   for name, value in pairs(reply.headers or {}) do
      for _, one in ipairs(type(value) == "table" and value or { value }) do lines[#lines + 1] = name .. ": " .. one end
   end
   if framing then lines[#lines + 1] = framing end
   return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function length_line(reply, body)
   return reply.status ~= 204 and "Content-Length: " .. #body or "Connection: close"
end

-- Each function below returns a list of steps: texts to send, and seconds to wait.
local plans = {}

function plans.raw(fault)
   return { fault.raw }
end

function plans.truncate(fault, reply, body)
   local cut = fault.truncate
   local piece = body:sub(1, cut.at or math.floor(#body / 2))
   if cut.chunked == "boundary" then
      return { head(reply, "Transfer-Encoding: chunked") .. ("%x\r\n%s\r\n"):format(#piece, piece) }
   elseif cut.chunked then
      return { head(reply, "Transfer-Encoding: chunked") .. ("%x\r\n%s"):format(#body, piece) }
   elseif cut.length == false then
      return { head(reply, "Connection: close") .. piece }
   end
   return { head(reply, length_line(reply, body)) .. piece }
end

function plans.cut_header(fault, reply, body)
   local text = head(reply, length_line(reply, body))
   if fault.cut_header == true then return { text:match("^.-\r\n") } end
   return { text:sub(1, fault.cut_header) }
end

local bad_sizes = { overflow = "fffffffffffffffff", garbage = "zz", negative = "-5", empty = "" }

function plans.malformed_chunk(fault, reply, body)
   local half = body:sub(1, math.max(1, math.floor(#body / 2)))
   local size = bad_sizes[fault.malformed_chunk] or bad_sizes.garbage
   return { head(reply, "Transfer-Encoding: chunked") .. ("%x\r\n%s\r\n%s\r\n"):format(#half, half, size)
      .. body:sub(#half + 1) .. "\r\n0\r\n\r\n" }
end

--- Sends the response in one piece, with other bytes before and after it.
function plans.around(fault, reply, body)
   return { (fault.raw_before or ""):rep(fault.raw_before_times or 1) .. head(reply, length_line(reply, body)) .. body
      .. (fault.raw_after or "") }
end

function plans.drip(fault, reply, body)
   local drip, steps = fault.drip, {}
   local text = head(reply, length_line(reply, body))
   if drip.header then
      body = text .. body
   else
      steps[1] = text
   end
   local bytes = drip.bytes or 1
   for at = 1, #body, bytes do
      if at > 1 then steps[#steps + 1] = drip.interval or 0.05 end
      steps[#steps + 1] = body:sub(at, at + bytes - 1)
   end
   return steps
end

--- Sends the first bytes of the body, pauses, then sends the rest.
function plans.stall(fault, reply, body)
   local at = fault.stall.at or math.floor(#body / 2)
   return { head(reply, length_line(reply, body)) .. body:sub(1, at), fault.stall.seconds or 60, body:sub(at + 1) }
end

local function endless_headers(socket)
   local line = "X-Filler: " .. ("a"):rep(1000) .. "\r\n"
   local block = line:rep(16)
   socket:send("HTTP/1.1 200 OK\r\n")
   repeat until not socket:send(block)
end

local order = { "raw", "truncate", "cut_header", "malformed_chunk", "drip", "stall" }

-- Returns the list of steps for a fault; nil: nginx can send its response.
local function plan_of(fault)
   for _, name in ipairs(order) do
      if fault[name] then return plans[name] end
   end
   if fault.raw_before or fault.raw_after then return plans.around end
end

function raw.wanted(fault)
   return plan_of(fault) ~= nil or fault.endless_headers
end

--- Sends `reply` as the fault says and closes the connection.
function raw.send(reply, fault)
   local socket, why = ngx.req.socket(true)
   if not socket then error("this fault needs HTTP/1.1: " .. tostring(why)) end
   if fault.endless_headers then
      endless_headers(socket)
      return raw.close(fault.reset)
   end
   for _, step in ipairs(plan_of(fault)(fault, reply, reply.body or "")) do
      if type(step) == "number" then
         ngx.sleep(step)
      elseif not socket:send(step) then
         break
      end
   end
   if fault.close_after then ngx.sleep(fault.close_after) end
   return raw.close(fault.reset)
end

return raw
