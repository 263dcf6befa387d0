-- Ends what a run of farms has started when the run cannot: it was killed or interrupted, or its
-- terminal is gone. A program of its own, which the run starts first.
--
--   lua5.4 spec/share/farm/reaper.lua PID STAMP TEMP
--
-- It knows the run's folders by their names, see spec.share.farm.started, and its processes by the
-- files below them that they have open.
local process = require "topaz.emulator.process"
local socket = require "socket"
local started = require "spec.share.farm.started"

local PAUSE = 0.5 -- seconds in which a shell that has just begun opens its files

local owner, stamp, temp = math.tointeger(tonumber(arg[1])), arg[2], arg[3]
local paths = { started.paths(temp, owner, stamp) }

local function is_ours(path)
   for _, begin in ipairs(paths) do
      if path:sub(1, #begin) == begin then return true end
   end
   return false
end

-- Kills the processes that have files of the run open; whether there were any.
local function kill_all()
   local found = false
   for line in process.shell "find /proc/[0-9]*/cwd /proc/[0-9]*/fd/[012] -maxdepth 0 -printf '%p %l\\n' 2>/dev/null"
      :gmatch "[^\n]+" do
      local pid, path = line:match "^/proc/(%d+)/%S+ (.*)$"
      if pid and is_ours(path) then
         found = true
         process.stop({ pid = math.tointeger(tonumber(pid)), stamp = process.stamp(pid) }, "KILL")
      end
   end
   return found
end

local function remove_folders()
   for _, begin in ipairs(paths) do process.shell("rm -rf -- " .. process.quote(begin) .. "*") end
   process.shell("rmdir -- " .. process.quote(paths[1]) .. " 2>/dev/null")
end

while process.alive(owner, stamp) do socket.sleep(1) end
repeat
   local found = kill_all()
   remove_folders()
   socket.sleep(PAUSE)
until not kill_all() and not found
