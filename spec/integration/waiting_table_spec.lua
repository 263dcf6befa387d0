-- What waits, for what, and what then happens: each cell with its outcome,
-- run one by one against the emulator.
--
-- In a cell: "ok": the result; "cancelled", "closed": the kind of the error; "skipped":
-- it never goes on, and nothing else is disturbed; "misuse": an error of misuse at once; "–":
-- that cannot be. A word alone in a row holds for each thing.
local core = require "topaz.core"
local loops = require "spec.support.loops"
local world = require "spec.support.world"

local methods = core.client_methods()
-- after which a waiter hangs; on a machine under load answers take their time
local TICKS_MAX = 2000

-- ---- the table ----------------------------------------------------------------------------------

local THINGS = {                     "call",      "handle",    "cursor",    "task",      "sleep",     "watcher" }
local SAME = {
   ["the result comes"] =           { "ok",        "ok",        "ok",        "ok",        "ok",        "ok" },
   ["another ends the thing"] =     { "–",         "cancelled", "closed",    "cancelled", "–",         "cancelled" },
   ["another waiter is cancelled"] = { "–",        "ok",        "ok",        "ok",        "–",         "–" },
   ["the client is closed"] =       { "closed",    "closed",    "closed",    "closed",    "closed",    "closed" },
   ["garbage is collected"] =       { "ok",        "ok",        "ok",        "ok",        "ok",        "ok" },
}
local NEVER = { "–", "–", "–", "–", "–", "–" }
-- a coroutine in a task blocks; no other task has its turn meanwhile, so awaiting one is refused
local IN_TASK = {
   ["the result comes"] =           { "ok",        "ok",        "ok",        "misuse",    "ok",        "ok" },
   ["another ends the thing"] =     { "–",         "cancelled", "closed",    "misuse",    "–",         "cancelled" },
   ["another waiter is cancelled"] = NEVER, -- that one would be another task
   ["the client is closed"] =       { "closed",    "closed",    "closed",    "misuse",    "closed",    "closed" },
   ["garbage is collected"] =       { "ok",        "ok",        "ok",        "misuse",    "ok",        "ok" },
   ["the waiter is cancelled"] =    { "cancelled", "cancelled", "cancelled", "misuse",    "cancelled", "cancelled" },
}
local OWN = {
   task = {
      ["the waiter is cancelled"] = { "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled" },
      ["its coroutine is closed"] = { "skipped",   "skipped",   "skipped",   "skipped",   "skipped",   "skipped" },
   },
   guest = {
      ["its coroutine is closed"] = { "skipped",   "skipped",   "skipped",   "skipped",   "skipped",   "skipped" },
   },
}

local WAITERS = {
   { name = "a script", blocks = true },
   { name = "a task", task = true, more = OWN.task },
   { name = "a generator in a script", blocks = true, generator = true },
   { name = "a generator in a task", blocks = true, task = true, generator = true, row = IN_TASK },
}
for _, kind in ipairs(loops) do
   table.insert(WAITERS, { name = "a coroutine of " .. kind.name, loop = kind, more = OWN.guest })
   table.insert(WAITERS,
      { name = "a generator in a coroutine of " .. kind.name, loop = kind, blocks = true, generator = true })
end

local EVENTS = { "the result comes", "another ends the thing", "another waiter is cancelled", "the client is closed",
   "garbage is collected", "the waiter is cancelled", "its coroutine is closed" }

local function expected(who, event, at)
   local row = who.row and who.row[event] or not who.row and (who.more and who.more[event] or SAME[event])
   return row and row[at] or "–"
end

-- ---- the things: begin(cell) → thing; wait(cell, thing); stop(thing) ----------------------------

local things = {
   call = {
      begin = function() return true end,
      wait = function(cell) return cell.client:get_status(cell.id) end,
   },
   handle = {
      begin = function(cell) return cell.client:start("get_status", cell.id) end,
      wait = function(_, request) return request:result() end,
      stop = function(request) request:cancel() end,
   },
   cursor = {
      begin = function(cell) return (cell.client:statuses()) end,
      wait = function(_, cursor) return cursor() end,
      stop = function(cursor) cursor:close() end,
   },
   task = {
      begin = function(cell) return cell.client:spawn("get_status", cell.id) end,
      wait = function(_, task) return task:await() end,
      stop = function(task) task:cancel() end,
   },
   sleep = {
      begin = function() return true end,
      wait = function(cell) return cell.client:sleep(cell.quick and 0.1 or 3600) end,
   },
   watcher = {
      begin = function(cell) return (cell.client:watch { cell.id }) end,
      wait = function(_, watcher) return watcher() end,
      stop = function(watcher) watcher:cancel() end,
   },
}

-- ---- a cell -------------------------------------------------------------------------------------

local function outcome_of(ok, value, err)
   local problem = not ok and value or value == nil and err
   if not problem then return "ok" end
   if type(problem) == "table" then return problem.kind end
   return (problem:find "await%(%) cannot yield" or problem:find "bad argument") and "misuse" or problem
end

local Cell = {}
Cell.__index = Cell

-- What the waiter does, in whichever coroutine it is.
function Cell:wait()
   local thing = self.held
   if self.event == "garbage is collected" then self.held = nil end -- what waits holds it alone
   self.thread = coroutine.running()
   self.waiting = true
   if self.who.generator then
      local values
      for all in coroutine.wrap(
         function() coroutine.yield(table.pack(pcall(things[self.thing].wait, self, thing))) end) do
         values = all
      end
      self.outcome = self.outcome
         or outcome_of(table.unpack(values or { false, "no item came" }, 1, values and values.n or 2))
   else
      local values = table.pack(pcall(things[self.thing].wait, self, thing))
      self.outcome = self.outcome or outcome_of(table.unpack(values, 1, values.n))
   end
end

-- Whether the waiter is still where those are that wait for the client.
function Cell:is_parked()
   for parked in pairs(core.state(self.client).parked) do
      if parked == self.task or parked.foreign == self.thread then return true end
   end
   return false
end

function Cell:happen()
   local event = self.event
   if event == "another ends the thing" then things[self.thing].stop(self.held)
   elseif event == "another waiter is cancelled" then self.other:cancel()
   elseif event == "the client is closed" then self.client:close()
   elseif event == "the waiter is cancelled" then self.task:cancel()
   elseif event == "its coroutine is closed" then coroutine.close(self.thread)
   elseif event == "garbage is collected" then
      collectgarbage()
      collectgarbage()
   end
end

-- Is called again and again while it waits:
-- lets happen what is to happen once the wait is under way. Returns whether all is over.
function Cell:tick()
   self.ticks = self.ticks + 1
   if self.outcome then return true end
   if self.ticks > TICKS_MAX then
      self.outcome = "hangs"
      return true
   end
   if not self.happened then
      if self.waiting and self.ticks > 2 and (self.thing == "sleep" or world.seen(self.emulator) > 0) then
         self.happened = self.ticks
         self:happen()
      end
   elseif self.event == "its coroutine is closed" and self.ticks > self.happened + 5 then
      self.outcome = self:is_parked() and "still parked" or "skipped"
      return true
   end
   return false
end

-- Runs f, which blocks, with a tick in each of its steps.
local function blocking(cell, f)
   local step, inside = methods.step, false
   function methods.step(client, timeout, budget)
      if client ~= cell.client or inside or cell.outcome then return step(client, timeout, budget) end
      inside = true
      local ok, over = pcall(cell.tick, cell)
      inside = false
      if not ok then error(over, 0) end
      if cell.outcome == "hangs" then error("hangs", 0) end
      if not core.is_open(client) then return 0, 0 end
      return step(client, math.min(timeout or 0, 0.02), budget)
   end
   local ok, err = pcall(f)
   methods.step = step
   if not ok and err ~= "hangs" then error(err, 0) end
end

local function run_in_loop(cell, loop)
   loop.go(function()
      cell:wait()
      if cell.outcome == "hangs" then cell.client:close() end
   end)
   loop.every(function()
      local over = cell:tick()
      if over then cell.client:close() end
      return over
   end)
   local errors = loop.run(function() return cell.outcome ~= nil end)
   assert.same({}, errors)
   loop.run(function() return true end)
end

local function run_as_task(cell)
   cell.task = cell.client:spawn(cell.wait, cell)
   local function drive()
      while not cell:tick() do
         if core.is_open(cell.client) then cell.client:step(0.02) end
      end
   end
   if cell.who.blocks then blocking(cell, function() cell.client:step(0) end) else drive() end
   if cell.event == "its coroutine is closed" then assert.is_true(cell.task:done()) end
end

local function run_cell(emulator, who, thing, event)
   local quick = event == "the result comes" or event == "garbage is collected"
      or event == "another waiter is cancelled"
   local loop = who.loop and who.loop.new()
   local cell <close> = setmetatable({ -- luacheck: ignore 211
      emulator = emulator, who = who, thing = thing, event = event, quick = quick, ticks = 0,
      client = world.client(emulator, { max_retries = 0, scheduler = loop and loop.scheduler }),
      id = emulator:add_jobs { status = "Completed" }[1],
   }, Cell)
   emulator:set { latency = quick and 0.1 or 30 }
   cell.held = things[thing].begin(cell)
   if event == "another waiter is cancelled" then
      cell.other = cell.client:spawn(function() return pcall(things[thing].wait, cell, cell.held) end)
   end
   if who.task then run_as_task(cell)
   elseif loop and not who.blocks then run_in_loop(cell, loop)
   elseif loop then
      blocking(cell, function() run_in_loop(cell, loop) end)
   else
      blocking(cell, function() cell:wait() end)
   end
   return cell.outcome
end

function Cell:__close()
   self.client:close()
   self.emulator:set { latency = 0 }
end

-- ---- running it ---------------------------------------------------------------------------------

for _, who in ipairs(WAITERS) do
   describe(who.name .. " waits:", function()
      if who.loop and who.loop.missing then
         it("in that loop", function() pending(who.loop.missing) end)
         return
      end
      local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
      for _, event in ipairs(EVENTS) do
         for at, thing in ipairs(THINGS) do
            local outcome = expected(who, event, at)
            if outcome ~= "–" then
               it(("%s, for a %s: %s"):format(event, thing, outcome), function()
                  assert.equal(outcome, run_cell(emulator(), who, thing, event))
               end)
            end
         end
      end
   end)
end

-- ---- what was begun, and what must not be sent any more -----------------------------------------

describe("a deletion", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("that was begun is done, though its handle is dropped", function()
      local client <close> = world.client(emulator())
      local id = emulator():add_jobs { status = "Completed" }[1]
      client:start("delete_status", id)
      collectgarbage()
      collectgarbage()
      for _ = 1, TICKS_MAX do
         client:step(0.02)
         if client:stats().pending == 0 then break end
      end
      assert.same({}, emulator():jobs())
   end)

   for _, name in ipairs { "delete_status", "delete_all_statuses" } do
      it("is not sent by " .. name .. " in a task that was told that it is cancelled", function()
         local client <close> = world.client(emulator())
         local id = emulator():add_jobs { status = "Completed" }[1]
         local task = client:spawn(function()
            client:sleep(3600)
            local ok, value, err = pcall(client[name], client, name == "delete_status" and id or nil)
            return ok and err or value
         end)
         client:step(0)
         task:cancel()
         for _ = 1, 30 do client:step(0.01) end
         local err = task:result()
         assert.equal("cancelled", err.kind)
         assert.equal("unsent", err.outcome)
         assert.equal(0, world.seen(emulator()))
         assert.equal(0, client:stats().pending)
      end)
   end
end)
