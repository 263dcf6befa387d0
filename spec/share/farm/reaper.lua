-- Ends what a run of farms has started when the run cannot: it was killed, or its terminal is gone.
-- A program of its own, which the run starts first.
--
--   lua5.4 spec/share/farm/reaper.lua PID STAMP FILE
--
-- The file has a line for each process, "process PID STAMP", and for each folder, "folder PATH".
-- The file is removed at the end.
local process = require "topaz.emulator.process"
local socket = require "socket"

local owner, stamp, path = tonumber(arg[1]), arg[2], arg[3]

while process.alive(owner, stamp) do socket.sleep(1) end
local folders = {}
for line in io.lines(path) do
   local pid, begun = line:match "^process (%d+) (%d+)$"
   local folder = line:match "^folder (/.+)$"
   if pid then process.stop({ pid = math.tointeger(tonumber(pid)), stamp = begun }, "KILL") end
   if folder then folders[#folders + 1] = process.quote(folder) end
end
if #folders > 0 then process.shell("rm -rf -- " .. table.concat(folders, " ")) end
os.remove(path)
