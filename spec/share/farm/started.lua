-- What a run of farms has started, on record for the program that ends it all if the run cannot.
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"

local started = {}

local path, reaper

local function note(line)
   local file = assert(io.open(path, "a"))
   file:write(line, "\n")
   file:close()
end

--- Starts the program that looks after the others.
function started.begin()
   path = os.tmpname()
   local self = process.self()
   reaper = process.start(("%s %s spec/share/farm/reaper.lua %d %s %s"):format(program.environment {}, interpreter,
      self, process.stamp(self), process.quote(path)), nil, "/dev/null")
end

--- Puts a process on record: { pid, stamp }. Returns it.
function started.process(one)
   if path and one.stamp then note(("process %d %s"):format(one.pid, one.stamp)) end
   return one
end

--- Puts a folder on record.
function started.folder(folder)
   if path then note("folder " .. folder) end
end

--- Ends that program: all has been stopped.
function started.finish()
   if not reaper then return end
   process.stop(reaper, "KILL")
   os.remove(path)
   path, reaper = nil, nil
end

return started
