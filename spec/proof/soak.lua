-- One process, many requests, one in a hundred of them meeting a fault, then many clients that come
-- and go: memory, descriptors and connections stay as they were after the first of them,
-- and every call has its outcome.
--
--   lua5.4 spec/proof/soak.lua [requests=1000000] [warm=10000] [faults=0.01] [batch=400]
--      [growth=1048576] [cycles=100000]
--
-- Calls and tasks are begun a batch at a time and stepped until all have ended.
-- What the server counted must be what the client sent, and the outcomes, by kind,
-- what the server answered. Prints the figures; the exit code is 1 when one is wrong.
local emulators = require "topaz.emulator"
local topaz = require "topaz"

local COLLECT_EVERY = 400 -- clients that come and go
local limits = { requests = 1000000, warm = 10000, faults = 0.01, batch = 400, growth = 1048576, cycles = 100000 }
for _, text in ipairs(arg) do
   local name, value = text:match "^(%w+)=([%d.]+)$"
   if not limits[name] then error("no such parameter: " .. text) end
   limits[name] = tonumber(value)
end

local PAGE = 4096
local UNKNOWN = "00000000-0000-4000-8000-000000000000"

local function resident()
   collectgarbage()
   collectgarbage()
   local file <close> = assert(io.open "/proc/self/statm")
   return PAGE * assert(tonumber(file:read("a"):match "^%d+ (%d+)"))
end

local function descriptors()
   local list <close> = assert(io.popen "ls /proc/$PPID/fd")
   local _, count = list:read("a"):gsub("\n", "")
   return count - 1 -- without the pipe to ls
end

local emulator <close> = emulators.start { clock = "virtual", jobs = { count = 60, status = "Completed" },
   log_limit = 0 }
-- No 429: it slows the client down, as it should, and this is about numbers.
local faults = {
   { status = 503, body = "" }, { status = 500, body = '{"message":"x"}' }, { drop = "before" }, { drop = "after" },
   { reset = true }, { truncate = { length = true } }, { truncate = { chunked = true } }, { delay = 0.02 },
   { status = 403 }, { cut_header = true },
}
for _, fault in ipairs(faults) do
   fault.probability, fault.times = limits.faults / #faults, math.huge
   emulator:fault(fault)
end

local function new_client()
   return topaz.client {
      api_key = emulator.key, base_url = emulator.url, max_connections = 8, max_retries = 6, retry_base = 0.001,
      retry_cap = 0.01,
   }
end
local client <close> = new_client()

local outcomes, begun, ended = {}, 0, 0

local function count(name, ok, err, second)
   ended = ended + 1
   local key = name .. " " .. (ok and (type(second) == "string" and second or "ok") or err.kind
      .. (err.outcome and "/" .. err.outcome or ""))
   outcomes[key] = (outcomes[key] or 0) + 1
   if not ok and type(err) ~= "table" then error(err) end
end

-- Reads two pages or three with a cursor that is left in the middle, in a task.
local function iterate()
   local ok, err = pcall(function()
      local seen = 0
      for status in client:statuses { limit = 20 } do
         assert(status.status == "Completed")
         seen = seen + 1
         if seen == 45 then break end
      end
   end)
   count("statuses", ok or nil, err)
end

local function batch(round)
   local waiting, ids = {}, emulator.ids
   for i = 1, limits.batch do
      local kind, id = i % 20, ids[1 + (i * 7 + round) % #ids]
      if kind == 0 then waiting[i] = { "delete_status", client:start("delete_status", UNKNOWN) }
      elseif kind < 3 then waiting[i] = { "get_page", client:start("get_page", { limit = 5 }) }
      elseif kind == 3 then client:spawn(iterate)
      else waiting[i] = { "get_status", client:start("get_status", id) } end
   end
   begun = begun + limits.batch
   while ended < begun do
      client:step(0.1)
      for i, one in pairs(waiting) do
         if one[2]:done() then
            local first, second = one[2]:result()
            count(one[1], first, second, one[1] == "delete_status" and second or nil)
            waiting[i] = nil
         end
      end
   end
end

local function delete_all()
   begun = begun + 1
   local first, second = client:delete_all_statuses()
   count("delete_all_statuses", first, second, second)
   emulator.ids = emulator:add_jobs { count = 60, status = "Completed" }
end

-- ---- the run ------------------------------------------------------------------------------------

local clock, round = topaz.core.now, 0
local started, warm = clock(), nil
while client:stats().attempts < limits.requests do
   round = round + 1
   batch(round)
   collectgarbage() -- else resident memory would tell when the collector came last
   if round % 50 == 0 then delete_all() end
   if not warm and client:stats().attempts >= limits.warm then warm = { rss = resident(), fds = descriptors() } end
end
local seconds, stats, seen = clock() - started, client:stats(), emulator:counts()
local last = { rss = resident(), fds = descriptors() }

local keys = {}
for key in pairs(outcomes) do keys[#keys + 1] = key end
table.sort(keys)
for _, key in ipairs(keys) do print(("%9d  %s"):format(outcomes[key], key)) end

local wrong = false
local function verdict(ok, format, ...)
   print((ok and "ok     " or "WRONG  ") .. format:format(...))
   wrong = wrong or not ok
end
verdict(stats.attempts >= limits.requests, "%d requests in %.0f s, %d retries, %d connections", stats.attempts, seconds,
   stats.retries, stats.connections)
verdict(begun == ended, "%d calls and iterations begun, %d ended", begun, ended)
verdict(stats.pending == 0, "%d requests under way at the end", stats.pending)
verdict(seen.total == stats.attempts, "%d requests seen by the server", seen.total)

local function sum(...)
   local total = 0
   for key, n in pairs(outcomes) do
      for _, word in ipairs { ... } do total = total + (key:find(word, 1, true) and n or 0) end
   end
   return total
end
local forbidden, missing = seen.statuses["403"] or 0, seen.statuses["404"] or 0
verdict(forbidden == sum "forbidden", "%d answers 403, %d calls forbidden", forbidden, sum "forbidden")
verdict(missing == sum(" not_found", " already_gone"), "%d answers 404, %d deletions of what was not there", missing,
   sum(" not_found", " already_gone"))
verdict(last.rss - warm.rss <= limits.growth, "%d bytes resident after the first %d, %+d at the end", warm.rss,
   limits.warm, last.rss - warm.rss)
verdict(last.fds <= warm.fds + 8, "%d descriptors after the first, %d at the end", warm.fds, last.fds)
local ok = (outcomes["get_status ok"] or 0) + (outcomes["get_page ok"] or 0) + (outcomes["statuses ok"] or 0)
verdict(ok > 0.9 * ended, "%d reads went well", ok)

-- ---- clients that come and go -------------------------------------------------------------------

-- One in ten asks something, one in twenty is left to the collector.
local asked, answered, first = 0, 0, nil
started = clock()
for i = 1, limits.cycles do
   local own = new_client()
   if i % 10 == 0 then
      local status, err = own:get_status(emulator.ids[1])
      asked, answered = asked + 1, answered + ((status or err.kind == "forbidden") and 1 or 0)
   end
   if i % 20 > 0 then own:close() end
   -- Those that are left pile up until the collector comes. It does not see what libcurl holds of
   -- them, so the height of the pile would hide what is never given back.
   if i % COLLECT_EVERY == 0 then collectgarbage() end
   if not first and i >= limits.cycles // 3 and i % 20 > 0 then first = { rss = resident(), fds = descriptors() } end
end
local after = { rss = resident(), fds = descriptors() }
verdict(asked == answered, "%d clients in %.0f s, %d of which asked, and %d had an answer", limits.cycles,
   clock() - started, asked, answered)
verdict(after.rss - first.rss <= limits.growth, "%d bytes resident after a third of them, %+d at the end", first.rss,
   after.rss - first.rss)
verdict(after.fds == first.fds, "%d descriptors after a third of them, %d at the end", first.fds, after.fds)
os.exit(not wrong, true)
