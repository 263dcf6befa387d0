--- The functions that nginx.conf calls, in the order of a request. (LuaJIT, inside nginx.)

local cjson = require "cjson"
local process = require "topaz.emulator.process"
local quota = require "topaz.emulator.server.quota"
local response = require "topaz.emulator.server.response"
local api = require "topaz.emulator.server.api"
local clock = require "topaz.emulator.server.clock"
local faults = require "topaz.emulator.server.faults"
local faulty = require "topaz.emulator.server.faulty"
local jobs = require "topaz.emulator.server.jobs"
local log = require "topaz.emulator.server.log"

local main = {}

local WATCH_PERIOD = 0.5 -- seconds
local CLOSED = 444 -- nginx's number for "close without a response"
local last_request

function main.init(path)
   local file = assert(io.open(path))
   main.settings = cjson.decode(file:read("*a"))
   file:close()
   for _, room in ipairs { clock, jobs, log, api } do room.init(main.settings) end
end

function main.used()
   last_request = ngx.now()
end

--- Ends the emulator when the process that started it has ended, or has removed the folder since it
-- was interrupted before it knew of this one, or when no request has come for idle_limit seconds.
function main.watch()
   local settings = main.settings
   main.used()
   local function look()
      local idle = settings.idle_limit > 0 and ngx.now() - last_request > settings.idle_limit
      local file = io.open(settings.dir .. "/settings.json")
      if file then
         file:close()
         if process.alive(settings.owner, settings.owner_stamp) and not idle then return end
      end
      os.execute("rm -rf -- '" .. settings.dir:gsub("'", "'\\''") .. "'")
      os.exit(0)
   end
   assert(ngx.timer.every(WATCH_PERIOD, look))
end

--- Records that a request has arrived. nginx calls it again when the rate limit redirects the
-- request.
function main.arrive()
   if ngx.var.record ~= "" then return end
   main.used()
   local request = api.read(ngx.req.get_method(), ngx.var.request_uri)
   ngx.ctx.request = request
   ngx.var.record = log.arrive(request.method, request.path, request.kind)
end

function main.leave()
   log.leave(tonumber(ngx.var.record), ngx.status == CLOSED and 0 or ngx.status)
end

--- Refuses a request that is above nginx's rate limit.
function main.limited()
   response.send(api.failure(429, "too many requests, please slow down"))
end

function main.serve()
   local request, given = ngx.ctx.request, main.settings.quota
   if given and quota.take(given) then return main.limited() end
   local fault = faults.take(request)
   local latency = main.settings.latency + (fault and fault.delay or 0)
   if latency > 0 then ngx.sleep(latency) end
   if not fault then return response.send(api.call(request, {})) end
   local entry = log.entry(tonumber(ngx.var.record))
   entry.fault = fault.id
   return faulty.serve(request, fault, entry)
end

return main
