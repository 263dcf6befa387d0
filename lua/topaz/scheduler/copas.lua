--- Copas, versions 1 to 4: in a coroutine of it, the client's calls let its loop run on.
--
--    local client = topaz.client { scheduler = require "topaz.scheduler.copas" }
--    copas.addthread(function() print(client:get_status(id)) end)
--    copas.loop() -- ends by itself from version 2 on
--
-- Require copas before socket.http, as its version 1 demands. Threads of that version have neither
-- sleep nor wake-up, so all waiting here is done in the way that all versions know: copas.receive()
-- on something that socket.select takes for a socket.
--
-- copas.step() is replaced by one that waits no longer than until a client has something to do. In
-- version 1 nothing else can wake the loop by time: it has no timers, and the argument of step() is
-- its only limit. Later versions have timers; there the replaced step() does the same, so that one
-- way serves all versions.
local copas = require "copas"
local socket = require "socket"
local common = require "topaz.scheduler.common"
local core = require "topaz.core"

local NO_DESCRIPTOR = -1 -- socket.select skips it
-- A descriptor for what is ready, since select asks only those that have one. (A plain udp() may
-- get its own later.)
local anything = assert((socket.udp4 or socket.udp)())

-- ---- coroutines that wait -----------------------------------------------------------------------

local Gate = {}
Gate.__index = Gate

function Gate:getfd() return self.open and anything:getfd() or NO_DESCRIPTOR end
function Gate:dirty() return self.open end
function Gate:receive()
   if self.open then return true end
   return nil, "timeout"
end
function Gate.close() end -- version 1 closes what a coroutine has waited for when that one ends

local gates = setmetatable({}, { __mode = "k" })

-- ---- clients that are under way -----------------------------------------------------------------

local drivers = {}

local Driver = {}
Driver.__index = Driver

-- What copas sees: ready when the client's descriptor is readable, when the time has come, and when
-- it is over.
local function readiness(driver)
   local asked = false
   return {
      getfd = function() return not driver.closed and driver.fd or anything:getfd() end,
      dirty = function() return driver.closed or driver.deadline and driver.deadline <= core.now() end,
      receive = function()
         asked = not asked
         if asked then return nil, "timeout" end
         return true
      end,
      close = Gate.close,
   }
end

-- Starts the coroutine that waits for it.
local function begin(driver)
   copas.addthread(function()
      local ready = readiness(driver)
      common.drive(driver, function() copas.receive(ready) end, function() begin(driver) end)
   end)
end

function Driver:arm(seconds) self.deadline = seconds and core.now() + seconds end

function Driver:close()
   self.closed = true
   drivers[self] = nil
end

local function open(client, turn)
   local driver = setmetatable({ turn = turn, fd = client:pollfd() }, Driver)
   drivers[driver] = true
   begin(driver)
   return driver
end

local step = copas.step
--- Does what it did before, but returns when a client has something to do.
function copas.step(timeout) -- luacheck: ignore 122
   local now, due = core.now(), timeout or math.huge
   for driver in pairs(drivers) do
      if driver.deadline then due = math.min(due, math.max(0, driver.deadline - now)) end
   end
   return step(due < math.huge and due or timeout)
end

-- ---- the scheduler ------------------------------------------------------------------------------

local COPAS = debug and debug.getinfo and debug.getinfo(copas.receive, "S").source

--- The running coroutine, if copas itself resumes it; nil in one that the program resumes, such as
-- a generator: that one blocks.
local function current()
   local thread = common.current()
   local resumer = thread and common.resumer(thread)
   local info = resumer and debug.getinfo(resumer, 1, "S")
   if info and info.source ~= COPAS then return nil end
   return thread
end

local scheduler = common.scheduler({ current = current }, open)

function scheduler.suspend(_, thread)
   local gate = setmetatable({ open = false }, Gate)
   gates[thread] = gate
   copas.receive(gate)
end

function scheduler.resume(_, thread) gates[thread].open = true end

return scheduler
