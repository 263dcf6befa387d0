--- The loops that a client may live in.
--- mode(scene) → { scheduler, go(client, f) → fiber, turn(clients), finish(clients) }:
--- `go` begins f() as a task, a coroutine of the loop, or at once;
--- a fiber may have cancel() and kill(); `turn` advances all a little.
local socket = require "socket"

local modes = {}

local LOOKS_MOST = 1000 -- of 5 ms each, until the loop has no handle left
local TURN = 0.002 -- seconds

local function each_open(clients, f)
   for _, state in ipairs(clients) do
      if not state.closed then f(state.client) end
   end
end

local function spawn(client, f)
   local task = client:spawn(f)
   return { cancel = function() task:cancel() end }
end

--- Tasks, and a loop that waits in step().
function modes.tasks()
   return {
      go = spawn,
      turn = function(clients)
         each_open(clients, function(client) client:step(TURN) end)
      end,
   }
end

--- A game's frames: step(0), and something else in between.
function modes.frames()
   return {
      go = spawn,
      turn = function(clients)
         each_open(clients, function(client) client:step(0) end)
         socket.sleep(0.001)
      end,
   }
end

--- A plain script. One operation in four is a task that goes along while others block.
function modes.blocking()
   local count = 0
   return {
      blocking = true,
      go = function(client, f)
         count = count + 1
         if count % 4 == 0 then return spawn(client, f) end
         f()
         return {}
      end,
      turn = function(clients)
         each_open(clients, function(client) client:step(TURN) end)
      end,
   }
end

function modes.luv()
   local uv = require "luv"
   local timer = uv.new_timer()
   timer:start(2, 2, function() end)
   return {
      scheduler = require "topaz.scheduler.luv",
      go = function(_, f)
         local thread = coroutine.create(f)
         assert(coroutine.resume(thread))
         return {
            kill = function() return coroutine.status(thread) == "suspended" and coroutine.close(thread) end,
         }
      end,
      turn = function() uv.run "once" end,
      finish = function()
         timer:close()
         -- What a collected cursor leaves is seen by the client's next look, within a second.
         local left
         for _ = 1, LOOKS_MOST do
            left = nil
            uv.run "nowait"
            uv.walk(function(handle) left = tostring(handle) end)
            if not left then return nil end
            uv.sleep(5)
         end
         return "a handle is left in the loop: " .. left
      end,
   }
end

function modes.cqueues()
   local cqueues = require "cqueues"
   local queue = cqueues.new()
   return {
      scheduler = require "topaz.scheduler.cqueues",
      go = function(_, f)
         queue:wrap(f)
         return {}
      end,
      turn = function()
         local ok, err = queue:step(TURN)
         if not ok then error(err, 0) end
      end,
      finish = function()
         for _ = 1, 20 do queue:step(0) end
         local count = queue:count()
         queue:close()
         return count > 0 and ("%d coroutines are left in the controller"):format(count) or nil
      end,
   }
end

return modes
