-- What /proc says of a process and of the machine.
local process = require "topaz.emulator.process"

local proc = {}

local TICKS = 100 -- a second, on every Linux that these run on

local function read(path)
   local file <close> = io.open(path)
   return file and file:read "a" or ""
end

--- Seconds of CPU time that a process has used; 0 when it has ended.
function proc.cpu(pid)
   local fields = {}
   for word in (read("/proc/" .. pid .. "/stat"):match "%) (.*)$" or ""):gmatch "%S+" do fields[#fields + 1] = word end
   return ((tonumber(fields[12]) or 0) + (tonumber(fields[13]) or 0)) / TICKS
end

--- Resident memory of a process in kilobytes; nil when it has ended.
function proc.resident(pid)
   return math.tointeger(tonumber(read("/proc/" .. pid .. "/status"):match "VmRSS:%s*(%d+)"))
end

--- How many descriptors a process has open.
function proc.descriptors(pid) return math.tointeger(tonumber(process.shell("ls /proc/" .. pid .. "/fd | wc -l"))) end

--- Seconds in which a processor was busy, and seconds of all processors.
function proc.busy()
   local all, idle, number = 0, 0, 0
   for word in read("/proc/stat"):match "^cpu +([^\n]*)":gmatch "%d+" do
      number = number + 1
      if number <= 8 then all = all + tonumber(word) end
      if number == 4 or number == 5 then idle = idle + tonumber(word) end
   end
   return (all - idle) / TICKS, all / TICKS
end

return proc
