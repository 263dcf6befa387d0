-- A run of `make share` that is called wrongly, or ends before its time.
local home = require "spec.share.farm.home"
local interpreter = require "spec.support.interpreter"
local page = require "spec.share.farm.page"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local socket = require "socket"
local started = require "spec.share.farm.started"

local quote, shell = process.quote, process.shell

local LIMIT = 60 -- seconds until all has ended, on a busy machine

local folder
before_each(function() folder = shell "mktemp -d -t topaz-run-XXXXXX" end)
after_each(function() shell("rm -rf -- " .. quote(folder)) end)

local function call(script, ...)
   local words = { program.environment { TMPDIR = folder }, interpreter, script }
   for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
   return table.concat(words, " ")
end

describe("an argument of make share", function()
   for _, case in ipairs {
      { "only=,", "only= names no measurement" },
      { "only=nosuch", "unknown measurement: nosuch" },
      { "only=killed,killed", "named twice: killed" },
      { "only=killed", "runs=0", "runs: not an integer from 1 on: 0" },
      { "only=killed", "runs=1", "beside=0", "beside: not an integer from 1 on: 0" },
      { "only=faults", "faults.runs=-1", "runs: not an integer from 1 on: -1" },
      { "only=killed", "fault=none", "not an option of what is to be run: fault=none" },
      { "only=faults", "fault=nosuch", "no fault has these words: nosuch" },
      { "only=faults", "run=1", "not an option of what is to be run: run=1" },
   } do
      local problem = table.remove(case)
      it(("that is wrong is told: %s"):format(table.concat(case, " ")), function()
         if not redis.program() then return pending(select(2, redis.program())) end
         local words = { "out=" .. folder, table.unpack(case) }
         local text = shell(("cd %s && timeout -s KILL %d %s 2>&1 </dev/null; code=$?; echo; echo $code"):format(
            quote(shell "pwd"), LIMIT, call("spec/share/farm.lua", table.unpack(words))))
         assert.equal(problem, text:match "^[^\n]*")
         assert.equal("2", text:match "[^\n]*$")
         assert.equal("", shell("ls -A " .. quote(folder)))
      end)
   end
end)

-- Starts a farm, and is interrupted after the call of the shell that has the given number.
local INTERRUPTED = [[
local process = require "topaz.emulator.process"
local home = require "spec.share.farm.home"
local started = require "spec.share.farm.started"
local last, count, shell = tonumber(arg[1]), 0, process.shell
started.begin()
function process.shell(...)
   local text = shell(...)
   count = count + 1
   if count >= last then os.exit(3, false) end
   return text
end
local farm = home.start { jobs = 3, timeline = { processing = 600 } }
farm:deal(2)
os.exit(0, false)
]]

describe("a run of farms that ends before its time", function()
   local function left()
      return shell(("ls -A %s; find /proc/[0-9]*/cwd /proc/[0-9]*/fd/[012] -maxdepth 0 -lname %s 2>/dev/null"):format(
         quote(folder), quote(folder .. "/*")))
   end

   it("leaves no folder and no process, wherever that is", function()
      if not redis.program() then return pending(select(2, redis.program())) end
      local script = os.tmpname()
      local file <close> = assert(io.open(script, "w"))
      file:write(INTERRUPTED)
      file:close()
      local number, code = 0
      repeat
         number = number + 1
         code = select(3, os.execute(call(script, tostring(number)) .. " >/dev/null 2>&1"))
      until code ~= 3 or number == 50
      os.remove(script)
      assert.equal(0, code)
      assert.is_true(number > 5, number)
      local deadline = socket.gettime() + LIMIT
      while left() ~= "" and socket.gettime() < deadline do socket.sleep(0.2) end
      assert.equal("", left())
   end)
end)

describe("a farm that has lost what it is measured with", function()
   for _, case in ipairs {
      { "emulator", function(farm) return farm.emulator.server end },
      { "redis-server", function(farm) return farm.server.process end },
   } do
      it(("ends with an error: its %s was killed"):format(case[1]), function()
         if not redis.program() then return pending(select(2, redis.program())) end
         started.begin()
         local ok, problem = pcall(function()
            local farm <close> = home.start { jobs = 3, timeline = { processing = 600 } }
            farm:deal(1)
            assert.is_false(farm:is_over())
            process.stop(case[2](farm), "KILL")
            farm:is_over()
         end)
         started.finish()
         assert.same({ false, ("the %s of the farm has ended"):format(case[1]) }, { ok, problem })
      end)
   end
end)

describe("a page that cannot be made", function()
   it("leaves the one that is there", function()
      local path, order, about = folder .. "/share.md", { "a" }, { a = "x" }
      page.write(path, { (page.row("a", { "one", seen = 1 })) }, order, about, "make share")
      local before = shell("cat " .. quote(path))
      local row = page.row("a", { "two", seen = 2 })
      row[3] = setmetatable({}, { __tostring = function() error("interrupted!", 0) end })
      assert.is_false((pcall(page.write, path, { row }, order, about, "make share")))
      assert.equal(before, shell("cat " .. quote(path)))
      assert.equal("share.md", shell("ls -A " .. quote(folder)))
   end)
end)
