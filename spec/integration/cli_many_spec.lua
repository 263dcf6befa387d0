-- What thousands of jobs cost topaz-status on a terminal: counted, in the process itself.
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"

-- Counts what starts a process, and what measures the terminal; says so at the end.
local COUNTER = [[
local core = require "topaz.core"
local counts = { processes = 0, sizes = 0 }
local function counted(name, f)
   return function(...)
      counts[name] = counts[name] + 1
      return f(...)
   end
end
io.popen, os.execute = counted("processes", io.popen), counted("processes", os.execute)
core.terminal_size = counted("sizes", core.terminal_size)
local exit = os.exit
function os.exit(...)
   local file = io.open(os.getenv "COUNTS", "w")
   file:write(counts.processes, " ", counts.sizes)
   file:close()
   exit(...)
end
]]

describe("topaz-status with thousands of jobs", function()
   local home = set_up()
   local emulator
   before_each(function() emulator = home.emulator end)

   home.test("wait starts no process for each, and redraws and measures no more than a few times", function()
      local ids, paths = emulator:add_jobs { count = 5000, status = "Completed" }, {}
      for i = 1, 3 do paths[i] = os.tmpname() end
      local input, counter, counts = table.unpack(paths)
      for path, text in pairs { [input] = table.concat(ids, "\n") .. "\n", [counter] = COUNTER } do
         local file = assert(io.open(path, "w"))
         file:write(text)
         file:close()
      end
      local variables = program.variables(emulator)
      variables.LUA_INIT, variables.COUNTS = "@" .. counter, counts
      local screen <close> = screens.open(("%s <%s"):format(program.command { "wait", "-" }, input),
         { width = 100, height = 10, variables = variables })
      screen:wait_for "ended with 0"
      local raw = screen:raw()
      assert.equal(5000, select(2, raw:gsub("Completed ", "")))
      assert.is_true(select(2, raw:gsub("finished", "")) <= 600, "redraws")
      local processes, sizes = process.shell("cat " .. counts):match "(%d+) (%d+)"
      assert.is_true(tonumber(processes) <= 3, processes .. " processes")
      assert.is_true(tonumber(sizes) <= 600, sizes .. " measurements")
      for _, path in ipairs(paths) do os.remove(path) end
   end)
end)
