--- The commands that control a running emulator: POST /_emulator/<name>, with JSON in and out.
-- (LuaJIT, inside nginx.)

local cjson = require "cjson"
local clock = require "topaz.emulator.server.clock"
local faults = require "topaz.emulator.server.faults"
local faulty = require "topaz.emulator.server.faulty"
local jobs = require "topaz.emulator.server.jobs"
local log = require "topaz.emulator.server.log"
local main = require "topaz.emulator.server.main"
local quota = require "topaz.emulator.server.quota"
local record = require "topaz.emulator.server.record"

cjson.encode_sparse_array(true)
cjson.encode_max_depth(100)

local control = {}
local commands = {}

function commands.ping()
   return { pid = ngx.worker.pid(), dir = main.settings.dir }
end

function commands.reset()
   jobs.clear()
   faults.clear()
   log.clear()
   clock.reset()
   quota.clear()
   main.settings.quota = nil
   return {}
end

function commands.add_jobs(input)
   local ids, now = {}, clock.now()
   for index, spec in ipairs(input.specs) do
      local count = spec.count or 1
      local batch = spec.count and count or #input.specs
      for i = 1, count do
         local id = jobs.add(spec, spec.count and i or index, batch, now)
         if input.want_ids then ids[#ids + 1] = id end
      end
   end
   return { ids = ids }
end

function commands.jobs(input)
   local now, texts = clock.now(), {}
   if input.id then
      local job = jobs.find(input.id, now)
      texts[1] = job and record.text(job, now)
   else
      for job in jobs.newest_first(now) do texts[#texts + 1] = record.text(job, now) end
   end
   return nil, '{"jobs":[' .. table.concat(texts, ",") .. "]}"
end

function commands.advance(input)
   return { now = clock.advance(input.seconds) }
end

function commands.fault(input)
   return { id = faults.add(faulty.prepare(input)) }
end

function commands.faults()
   return { faults = faults.waiting() }
end

function commands.clear_faults(input)
   if input.id then return { removed = faults.remove(input.id) } end
   faults.clear()
   return {}
end

function commands.set(input)
   for name, value in pairs(input) do main.settings[name] = value end
   if input.quota ~= nil then quota.clear() end
   return {}
end

function commands.requests()
   return { requests = log.entries() }
end

function commands.counts()
   return log.counts()
end

function commands.clear_log()
   log.clear()
   return {}
end

local function body()
   ngx.req.read_body()
   local text = ngx.req.get_body_data()
   local path = not text and ngx.req.get_body_file()
   if path then
      local file = assert(io.open(path, "rb"))
      text = file:read("*a")
      file:close()
   end
   return cjson.decode(text and text ~= "" and text or "{}")
end

function control.serve()
   main.used()
   local command = commands[ngx.var.uri:match("^/_emulator/([%w_]+)$") or ""]
   local ok, result, text
   if command then
      ok, result, text = pcall(function() return command(body()) end)
   else
      ok, result = false, "unknown command: " .. ngx.var.uri
   end
   text = text or cjson.encode(ok and result or { error = tostring(result) })
   ngx.status = ok and 200 or 500
   ngx.header["Content-Length"] = #text
   ngx.print(text)
end

return control
