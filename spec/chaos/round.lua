--- Runs one round and holds every outcome against the truth.
-- Returns a list of violations { text, op? } and the figures.
local modes = require "spec.chaos.modes"
local operations = require "spec.chaos.operations"
local script = require "spec.chaos.script"
local socket = require "socket"
local topaz = require "topaz"
local truth = require "spec.chaos.truth"

local round_runner = {}

local PATIENCE = 12     -- seconds without an end and without a record, after which it is a hang
local ADVANCE_EVERY = 80 -- ticks
local BIRTH_EVERY = 50   -- ticks

-- ---- what is open -------------------------------------------------------------------------------

local function descriptors()
   local list <close> = assert(io.popen "ls /proc/$PPID/fd")
   local _, count = list:read("a"):gsub("\n", "")
   return count - 1 -- without the pipe to ls
end

local function registry_size()
   local n = 0
   for _ in pairs(debug.getregistry()) do n = n + 1 end
   return n
end

-- ---- the world ----------------------------------------------------------------------------------

-- A snapshot of the jobs that change by the clock, as one more epoch.
local function look_at_live(scene)
   for _, id in ipairs(scene.round.live) do scene.jobs[id].epochs[scene.epoch] = scene.emulator:job(id) end
end

local function advance(scene)
   scene.epoch = scene.epoch + 1 -- first: answers given from now on may be of the new one
   scene.emulator:advance(0.5)
   look_at_live(scene)
end

local function prepare(scene)
   local emulator, round = scene.emulator, scene.round
   emulator:reset()
   emulator:add_jobs(round.jobs)
   for _, record in ipairs(emulator:jobs()) do scene.jobs[record.process_id] = { record = record } end
   for _, id in ipairs(round.live) do scene.jobs[id] = { epochs = {} } end
   look_at_live(scene)
   for _, fault in ipairs(round.faults) do emulator:fault(fault) end
   scene.proxy:begin(round.rules)
end

local function give_birth(scene)
   local spec = table.remove(scene.round.fresh)
   if not spec then return end
   scene.jobs[spec.process_id] = { born = scene.time(), record = false }
   scene.emulator:add_jobs { spec }
   scene.jobs[spec.process_id].record = scene.emulator:job(spec.process_id)
end

local function new_client(scene, plan)
   local options = { api_key = scene.emulator.key, scheduler = scene.mode.scheduler }
   for name, value in pairs(plan.options) do options[name] = value end
   options.base_url = ((plan.protocol == "plain" and "http://127.0.0.1" or "https://localhost") .. ":%d/image/v1")
      :format(scene.proxy.ports[plan.listener])
   if plan.protocol ~= "plain" then options.ca_file = scene.emulator.ca_file end
   return { client = topaz.client(options), plan = plan, under_way = 0, ops = {}, next = 1 }
end

-- ---- the operations -----------------------------------------------------------------------------

local function launch(scene, state, op)
   op.begun_at = scene.tick
   state.under_way = state.under_way + 1
   scene.active[op] = state
   if op.started then return operations.start(scene, state, op) end
   op.fiber = scene.mode.go(state.client, function() operations.run(scene, state, op) end)
end

local function launch_more(scene)
   for _, state in ipairs(scene.clients) do
      while not state.closed and state.under_way < state.plan.window and state.next <= #state.ops do
         local op = state.ops[state.next]
         if op.last and (state.under_way > 0 or scene.ended < #scene.round.ops - 1) then break end
         if op.last then scene.before_all = #scene.emulator:jobs() end
         state.next = state.next + 1
         launch(scene, state, op)
         if scene.mode.blocking then break end
      end
   end
end

local function disturb(scene, op, age)
   if op.cancel_after == age then
      if op.handle then
         op.disturbed = true
         op.handle:cancel()
      elseif op.fiber and op.fiber.cancel then
         op.disturbed = true
         op.fiber.cancel()
      end
   elseif op.kill_after == age and op.fiber and op.fiber.kill and op.fiber.kill() then
      op.killed = true
      scene.active[op].under_way = scene.active[op].under_way - 1
      scene.ended = scene.ended + 1
      scene.active[op] = nil
   elseif op.cursor and op.leave == "close" and age > op.after % 40 then
      op.disturbed = true
      op.cursor:close()
      op.cursor = nil
   end
end

-- In mid-air: whatever is under way ends now.
-- Another client performs the operations that were not begun.
local function close_client(scene, state)
   for op, owner in pairs(scene.active) do
      if owner == state then op.disturbed, op.cut_off = true, true end
   end
   for i = 1, state.next - 1 do state.ops[i].cut_off = state.ops[i].cut_off or state.ops[i].dropped end
   local plan = { options = {} }
   for name, value in pairs(state.plan) do
      if name ~= "options" and name ~= "close_at" then plan[name] = value end
   end
   for name, value in pairs(state.plan.options) do plan.options[name] = value end
   plan.options.user_agent = plan.options.user_agent .. "/again"
   local other = new_client(scene, plan)
   other.ops = table.move(state.ops, state.next, #state.ops, 1, {})
   scene.clients[#scene.clients + 1] = other
   state.attempts = state.client:stats().attempts
   state.closed, state.next = true, #state.ops + 1
   state.client:close()
end

local function tick(scene)
   scene.tick = scene.tick + 1
   local round = scene.round
   for op, state in pairs(scene.active) do
      if op.ended or op.dropped then
         scene.active[op] = nil
      elseif not (op.handle and operations.poll(scene, state, op)) then
         disturb(scene, op, scene.tick - op.begun_at)
      end
   end
   for i = 1, #round.clients do
      local state = scene.clients[i]
      if state.plan.close_at == scene.tick and not state.closed then close_client(scene, state) end
   end
   if #round.live > 0 and scene.tick % ADVANCE_EVERY == 0 then advance(scene) end
   -- Not beside the DELETE /status that comes last,
   -- which is held against how many there were before it.
   if round.births and not scene.before_all and scene.tick % BIRTH_EVERY == 0 then give_birth(scene) end
   if round.collector == "eager" then collectgarbage() end
end

local function run_operations(scene)
   local last, progress = -1, scene.time()
   while scene.ended < #scene.round.ops do
      launch_more(scene)
      scene.mode.turn(scene.clients)
      tick(scene)
      if scene.ended + scene.looked ~= last then
         last, progress = scene.ended + scene.looked, scene.time()
      elseif scene.time() - progress > PATIENCE then
         local begun, over = 0, 0
         for _, op in ipairs(scene.round.ops) do
            local is_over = op.ended or op.dropped or op.killed
            begun, over = begun + (op.begun and 1 or 0), over + (is_over and 1 or 0)
            if op.begun_at and not is_over then op.hung = true end
         end
         return scene:violation("hang: %d operations, of which %d were begun, %d are over, %d were counted",
            #scene.round.ops, begun, over, scene.ended)
      end
   end
end

-- ---- the end ------------------------------------------------------------------------------------

-- What was begun and dropped is done, too: until then requests are pending.
local function settle(scene)
   local until_time = scene.time() + 5
   for _ = 1, 2 do collectgarbage() end -- cursors that were left without being closed
   for _, state in ipairs(scene.clients) do
      while not state.closed and state.client:stats().pending > 0 and scene.time() < until_time do
         scene.mode.turn(scene.clients)
      end
      if not state.closed then
         local stats = state.client:stats()
         if stats.pending > 0 then scene:violation("%d requests never settle", stats.pending) end
         state.attempts = stats.attempts
      end
   end
end

local function end_clients(scene)
   local objects = setmetatable({}, { __mode = "k" })
   for _, state in ipairs(scene.clients) do
      objects[state.client] = true
      if not state.closed and not state.plan.collect then state.client:close() end
      state.client = nil
   end
   for _, op in ipairs(scene.round.ops) do op.fiber, op.handle, op.cursor = nil, nil, nil end
   scene.active = {}
   local finish = scene.mode.finish
   for _ = 1, 3 do collectgarbage() end
   local left = finish and finish()
   if left then scene:violation("%s", left) end
   scene.mode = nil
   for _ = 1, 3 do collectgarbage() end
   if next(objects) then scene:violation "a client without references was not collected" end
end

-- Between which times a job has gone that is not there any more.
-- A request that was answered with 500, or not at all, may have deleted it.
local MAY_HAVE, HAS_GONE = { [204] = true, [500] = true, [0] = true }, { [204] = true, [404] = true }
local function note_death(world, job, id, entry)
   if not job or world.left[id] then return end
   if MAY_HAVE[entry.status or 0] then job.dead_from = job.dead_from or entry.time end
   if HAS_GONE[entry.status] then job.dead_to = job.dead_to or entry.finished end
end

-- What the server says at last, in the form that spec.chaos.truth takes.
local function find_truth(scene)
   local emulator, round = scene.emulator, scene.round
   local deadline = scene.time() + 2
   local counts
   repeat
      counts = emulator:counts()
      if counts.finished < counts.total then socket.sleep(0.01) end
   until counts.finished >= counts.total or scene.time() > deadline
   local world = {
      jobs = scene.jobs, deletes = {}, delete_alls = {}, left = {}, excused = {}, before_all = scene.before_all,
      clean = round.severity == 0 and #round.faults == 0,
   }
   if script.garbles_requests(round.rules) then world.excused[400] = true end
   for _, rule in ipairs(round.rules) do
      if rule.name == "goodbye" then world.excused[408] = true end
   end
   for _, record in ipairs(emulator:jobs()) do world.left[record.process_id] = true end
   world.log = emulator:requests()
   local all_from
   for _, entry in ipairs(world.log) do
      local id = entry.path:match "/status/(.*)$"
      local agent = entry.headers["user-agent"] or ""
      scene.seen[agent] = (scene.seen[agent] or 0) + 1
      if entry.kind == "delete_one" then
         world.deletes[id] = world.deletes[id] or {}
         table.insert(world.deletes[id], entry.status or 0)
      elseif entry.kind == "delete_all" then
         table.insert(world.delete_alls, entry.status or 0)
      end
      if entry.kind == "delete_all" and entry.status ~= 429 then all_from = all_from or entry.time end
      note_death(world, id and entry.kind == "delete_one" and scene.jobs[id], id, entry)
   end
   for id, job in pairs(scene.jobs) do
      if not world.left[id] then
         job.dead_from, job.dead_to = job.dead_from or all_from or 0, job.dead_to or math.huge
      end
   end
   return world
end

-- Only without TLS does an answer come twice.
local function is_plain(scene, op) return scene.round.clients[op.client].protocol == "plain" end

-- A late answer that crosses with the next request on its connection cannot be told from the right
-- one: HTTP/1.1 numbers neither. Each that may have done so excuses one wrong answer.
local function check_all(scene)
   local world = find_truth(scene)
   scene.world = world
   for _, state in ipairs(scene.clients) do
      local seen = scene.seen[state.plan.options.user_agent] or 0
      if state.attempts and seen > state.attempts then
         scene:violation("client %d: %d attempts, and the server saw %d requests", state.plan.index,
            state.attempts, seen)
      end
   end
   local excusable = scene.met.races
   for _, op in ipairs(scene.round.ops) do
      local why = truth.check(world, op)
      if why and excusable > 0 and op.client and is_plain(scene, op) and truth.may_be_late(why) then
         excusable, scene.late = excusable - 1, scene.late + 1
      elseif why then
         scene:violation(op, "%s", why)
      end
   end
end

local function violation(scene, op, format, ...)
   if type(op) == "string" then return violation(scene, nil, op, format, ...) end
   scene.violations[#scene.violations + 1] = { op = op, text = format:format(...) }
end

--- Runs `round` (spec.chaos.plan) against the emulator through the proxy.
function round_runner.run(round, emulator, proxy)
   collectgarbage(round.collector == "generational" and "generational" or "incremental")
   local scene = {
      round = round, emulator = emulator, proxy = proxy, time = socket.gettime, epoch = 1, jobs = {}, seen = {},
      tick = 0, ended = 0, looked = 0, active = {}, clients = {}, violations = {}, late = 0,
      violation = violation,
   }
   prepare(scene)
   for _ = 1, 2 do collectgarbage() end
   local fds, registry = descriptors(), registry_size()
   scene.mode = modes[round.mode](scene)
   for i, plan in ipairs(round.clients) do
      scene.clients[i] = new_client(scene, plan)
   end
   for _, op in ipairs(round.ops) do table.insert(scene.clients[op.client].ops, op) end
   run_operations(scene)
   settle(scene)
   end_clients(scene)
   local met = proxy:quiesce()
   scene.met = met
   local fds_after, registry_after, tries = descriptors(), registry_size(), 0
   -- libcurl's threads that resolve names close theirs a little later
   while fds_after > fds and tries < 40 do
      socket.sleep(0.02)
      fds_after, tries = descriptors(), tries + 1
   end
   if fds_after > fds then scene:violation("%d descriptors before, %d after", fds, fds_after) end
   scene.registry_growth = registry_after - registry
   check_all(scene)
   return scene
end

return round_runner
