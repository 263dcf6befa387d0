-- What a run of farms starts can be told by where it stands, so that the program that ends it all,
-- if the run cannot, needs no list: one that is written after the start would lack what was started
-- when Ctrl-C came. All folders of a run have its number and stamp in their names, and each process
-- that it starts writes into one of them.
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"

local started = {}

local base, reaper, count

local function temp()
   local folder = os.getenv "TMPDIR" or ""
   return folder ~= "" and folder or "/tmp"
end

--- How the paths of all folders of a run begin; an emulator chooses its own by that rule.
-- @tparam string folder for temporary files
-- @tparam integer pid of the run
-- @tparam string stamp of it
-- @treturn string of its own folder
-- @treturn string of its emulators' folders
function started.paths(folder, pid, stamp)
   return ("%s/topaz-farm-%d-%s/"):format(folder, pid, stamp),
      ("%s/topaz-emulator-%d-%s-"):format(folder, pid, stamp)
end

--- Starts the program that looks after the others.
function started.begin()
   local self = process.self()
   local stamp = process.stamp(self)
   base, count = started.paths(temp(), self, stamp), 0
   reaper = process.start(("%s %s spec/share/farm/reaper.lua %d %s %s"):format(program.environment {}, interpreter,
      self, stamp, process.quote(temp())), nil, "/dev/null")
end

--- Makes a folder of this run. Each process of the run writes into one.
function started.folder()
   count = count + 1
   local folder = base .. count
   local why = process.shell(("mkdir -p -m 700 -- %s && mkdir -m 700 -- %s 2>&1"):format(process.quote(base),
      process.quote(folder)))
   if why ~= "" then error("no folder for the farm: " .. why, 0) end
   return folder
end

--- Ends that program: all has been stopped.
function started.finish()
   if not reaper then return end
   process.shell("rm -rf -- " .. process.quote(base))
   process.stop(reaper, "KILL")
   base, reaper = nil, nil
end

return started
