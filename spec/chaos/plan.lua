--- What happens in one round: its jobs, its clients and their operations,
-- all from the seed and without running anything.
local random = require "spec.chaos.random"
local script = require "spec.chaos.script"

local plan = {}

-- Which loops there are; each optional one only where it is installed.
local MODES = { { 7, "tasks" }, { 5, "frames" }, { 3, "blocking" } }
for _, name in ipairs { "luv", "cqueues" } do
   if pcall(require, name) then MODES[#MODES + 1] = { 3, name } end
end

local LISTENER = { plain = 1, h1 = 2, h2 = 2 } -- which port of the proxy a protocol uses
local STATUS = { "Completed", "Completed", "Completed", "Failed", "Cancelled", "Pending", "Processing" }

-- ---- jobs ---------------------------------------------------------------------------------------

-- Members that tell each job from all others, so that a part of one record in another one shows.
local function job(r, round, index, status)
   local prompt = round.heavy and ("%d of %d, "):format(index, r:integer(1, 1 << 30)):rep(250)
   return {
      options_json = prompt and '{"prompt":"' .. prompt .. '"}' or nil,
      process_id = r:uuid(), status = status, creation_time = 1759990000 - index * 3,
      model = "model " .. r:integer(1, 1 << 40),
      input_height = index * 7 + 1, credits = index * 11,
      filename = ("chaos %d \u{e9}\\\"%d.png"):format(index, r:integer(1, 1 << 30)),
   }
end

local function jobs(r, round)
   local size = round.size
   round.jobs, round.live, round.fresh = {}, {}, {}
   for i = 1, size do round.jobs[i] = job(r, round, i, r:pick(STATUS)) end
   for i = 1, round.waits and 12 or 0 do
      local one = job(r, round, size + i)
      one.creation_time = nil
      one.timeline = { pending = 0.3 + r:share(), processing = 0.5 + r:share(),
         outcome = r:pick { "Completed", "Failed", "Cancelled" } }
      round.jobs[#round.jobs + 1], round.live[i] = one, one.process_id
   end
   for i = 1, 12 do -- made while the round runs
      round.fresh[i] = job(r, round, size + 100 + i, "Completed")
      round.fresh[i].creation_time = 1759990010 + i
   end
end

-- ---- operations ---------------------------------------------------------------------------------

local function any_job(r, round) return r:pick(round.jobs).process_id end

local function deletable(r, round)
   local list = round.deletable
   return #list > 0 and table.remove(list, r:integer(1, #list)) or nil
end

local function list_options(r)
   local o = {}
   if r:chance(0.5) then o.limit = r:pick { 1, 2, 7, 20, 50, 100 } end
   if r:chance(0.3) then
      o.paginated, o.limit = false, nil
   elseif r:chance(0.3) then o.prefetch = 0 end
   if r:chance(0.25) then o.fields = { "process_id", "status", "model" } end
   if r:chance(0.2) then o.where = { status = r:pick { "Completed", "Failed" } } end
   return o
end

local make = {}

function make.get(r, round) return { kind = "get", id = any_job(r, round) } end

function make.get_missing(r) return { kind = "get", id = r:uuid() } end

function make.delete(r, round)
   local id = deletable(r, round)
   return id and { kind = "delete", id = id } or make.get(r, round)
end

function make.delete_missing(r) return { kind = "delete", id = r:uuid() } end

function make.delete_running(r, round)
   local id = #round.running > 0 and table.remove(round.running, r:integer(1, #round.running))
   return id and { kind = "delete", id = id } or make.get(r, round)
end

function make.page(r) return { kind = "page", limit = r:pick { 1, 5, 20, 50, 100 }, pages = r:integer(1, 4) } end

function make.list(r, round)
   local op = { kind = "list", options = list_options(r) }
   if round.size > 300 and op.options.limit and op.options.limit < 20 then op.options.limit = 20 end
   op.leave = r:weighted { { round.heavy and 2 or 6, false }, { 2, "break" }, { 1, "drop" }, { 1, "close" } }
   if op.leave then op.after = r:spread(round.size) end
   op.pages = not op.leave and op.options.paginated ~= false and r:chance(0.15)
   op.resume = not op.leave and not op.pages and r:chance(0.2) and r:spread(round.size) or nil
   -- sleeps after so many records
   op.slow = r:chance(round.heavy and 0.6 or 0.2) and math.max(r:integer(1, 40), round.size // 20) or nil
   op.sleep = round.heavy and r:integer(1, 60) / 1000 or 0.001
   return op
end

function make.wait(r, round)
   if #round.live == 0 then return make.get(r, round) end
   return { kind = "wait", id = r:pick(round.live) }
end

function make.watch(r, round)
   if #round.live == 0 then return make.get(r, round) end
   local ids = {}
   for _, id in ipairs(round.live) do
      if r:chance(0.6) then ids[#ids + 1] = id end
   end
   return { kind = r:chance(0.5) and "watch" or "wait_all", ids = ids }
end

local KINDS = {
   { 40, "get" }, { 4, "get_missing" }, { 24, "delete" }, { 4, "delete_missing" }, { 3, "delete_running" },
   { 10, "page" }, { 9, "list" }, { 2, "wait" }, { 1, "watch" },
}

local CAN_START = { get = "get_status", delete = "delete_status", page = "get_page" }

-- When and how an operation is ended from elsewhere: a number of ticks after it has begun.
local function disturb(r, round, op)
   if CAN_START[op.kind] and r:chance(round.mode == "frames" and 0.6 or 0.25) then
      op.started = CAN_START[op.kind]
      if r:chance(0.1) then op.dropped = true end -- its handle is dropped
   end
   if r:chance(0.12) then
      op.cancel_after = r:spread(60)
   elseif round.mode == "luv" and not op.started and r:chance(0.04) then
      op.kill_after = r:spread(60) -- its coroutine is closed
   end
end

-- ---- rounds -------------------------------------------------------------------------------------

local function client(r, round, index)
   local protocol = r:pick { "plain", "h1", "h2" }
   local made = {
      index = index, protocol = protocol, listener = LISTENER[protocol],
      options = {
         http2 = protocol ~= "h1" and nil, max_connections = r:pick { 1, 4, 8, 8 }, connect_timeout = 0.3,
         attempt_timeout = 0.4, timeout = 2, max_retries = r:pick { 0, 2, 4, 8 }, retry_base = 0.02, retry_cap = 0.1,
         user_agent = ("chaos/%d/%d"):format(round.number, index),
      },
      close_at = r:chance(0.12) and r:integer(5, 300) or nil, -- closed in mid-air
      collect = r:chance(0.3), -- left to the collector in place of being closed
      window = r:pick { 20, 50, 100 },
   }
   -- nothing may fail: the time is long enough for a busy machine, and a server ends connections
   if round.severity == 0 then
      local o = made.options
      o.connect_timeout, o.attempt_timeout, o.timeout, o.max_retries = 20, 20, 60, math.max(o.max_retries, 2)
   end
   return made
end

local function server_faults(r, round)
   if round.severity == 0 or not r:chance(0.3) then return {} end
   return {
      { status = 503, probability = 0.02, times = -1 },
      { status = 500, effect = true, match = { kind = "delete_one" }, probability = 0.04, times = -1 },
      { status = 429, headers = { ["Retry-After"] = "0" }, probability = 0.003, times = -1 },
      { drop = "after", probability = 0.01, times = -1 },
   }
end

--- Everything about round `number` of a seed; `scale` makes it longer.
function plan.round(seed, number, scale)
   local r = random.new(seed, number, "plan")
   local round = { number = number, seed = seed, mode = r:weighted(MODES) }
   round.severity = r:weighted { { 1, 0 }, { 3, 0.5 }, { 4, 0.95 } }
   round.size = r:weighted { { 5, r:integer(60, 150) }, { 2, r:integer(300, 700) }, { 1, r:integer(1500, 2600) } }
   -- a page is more than the core's buffer: transfers pause
   round.heavy = round.size < 300 and r:chance(0.25)
   round.waits, round.delete_all, round.births = r:chance(0.3), r:chance(0.3), r:chance(0.5)
   round.collector = r:weighted { { 5, "incremental" }, { 2, "generational" }, { 1, "eager" } }
   round.rules = script.rules(seed, number, { "plain", "tls" }, round.severity)
   jobs(r, round)
   round.deletable, round.running = {}, {}
   for i = 1, round.size do
      local one, kept = round.jobs[i], r:chance(0.3)
      if one.status == "Pending" or one.status == "Processing" then
         round.running[#round.running + 1] = one.process_id
      elseif not kept then
         round.deletable[#round.deletable + 1] = one.process_id
      end
   end
   round.clients, round.ops = {}, {}
   for i = 1, r:integer(1, 3) do round.clients[i] = client(r, round, i) end
   local count = math.floor((round.mode == "blocking" and 60 or round.size > 1000 and 300 or 1500) * (scale or 1))
   for i = 1, count do
      local op = make[r:weighted(KINDS)](r, round)
      op.index, op.client = i, r:integer(1, #round.clients)
      disturb(r, round, op)
      round.ops[i] = op
   end
   round.faults = server_faults(r, round)
   if round.delete_all then
      round.ops[count + 1] =
         { kind = "delete_all", index = count + 1, client = r:integer(1, #round.clients), last = true }
   end
   return round
end

return plan
