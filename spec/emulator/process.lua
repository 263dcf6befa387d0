-- Asking the kernel about processes, by /proc. Written so that Lua 5.4 (the launcher) and LuaJIT (inside nginx)
-- both run it.

local process = {}

-- The rest of /proc/<pid>/stat after the command name, which may itself hold spaces and brackets.
local function stat(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  if not file then return nil end
  local line = file:read("*l")
  file:close()
  return line
end

-- The id of the calling process.
function process.self()
  return tonumber(stat("self"):match("^%d+"))
end

-- A mark that tells a process from a later one of the same id (its start time in ticks); nil when the process is
-- gone or only waits to be reaped.
function process.stamp(pid)
  local line = stat(pid)
  local state, rest = (line or ""):match("^.*%) (%S) (.*)$")
  if not state or state == "Z" or state == "X" then return nil end
  local field = 3
  for word in rest:gmatch("%S+") do
    field = field + 1
    if field == 22 then return word end
  end
end

-- Whether the process that had this id and this mark still runs.
function process.alive(pid, stamp)
  return stamp ~= nil and process.stamp(pid) == stamp
end

return process
