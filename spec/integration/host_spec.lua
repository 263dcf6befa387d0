-- An application in C that has the core linked in: spec/examples/host.
-- Built with all warnings, run plainly and under valgrind.
local run = require("spec.support.command").run
local world = require "spec.support.world"

describe("an application in C", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder, host
   local lua = "lua" .. _VERSION:match "%d.%d" -- as pkg-config knows it

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      host = folder .. "/host"
      local output = run(([[
         mkdir -p %s && cc -std=c11 -g -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
            -Icsrc $(pkg-config --cflags %s libcurl) -o %s spec/examples/host/host.c $(find csrc -name "*.c") \
            $(pkg-config --libs %s libcurl) -lpthread -ldl]]):format(folder, lua, host, lua))
      assert.equal("exit 0\n", output)
   end)
   teardown(function() os.execute("rm -rf " .. folder) end)

   -- It puts the checkout's modules before all others itself.
   local function command(before, url, key)
      return ("env -u LD_PRELOAD LUA_PATH=';;' LUA_CPATH='%s' %s %s '%s' '%s'"):format(package.cpath, before,
         host, url, key)
   end

   before_each(function()
      emulator():add_jobs { { count = 1, status = "Processing" }, { count = 44, status = "Completed" } }
      emulator():set { latency = 0.01 }
   end)
   after_each(function() emulator():set { latency = 0 } end)

   it("lists, waits, and closes the state while something is under way", function()
      assert.equal("45 statuses\nexit 0\n", run(command("", emulator().url, emulator().key)))
      local kinds = emulator():counts().kinds
      assert.equal(4, kinds.list)
      assert.is_true(kinds.one >= 1)
   end)

   it("tells of a failure and ends cleanly", function()
      local text = run(command("", "no URL", emulator().key))
      assert.matches("^host: .*base_url.*\nexit 1\n$", text)
   end)

   it("is clean under valgrind", function()
      if not os.execute "command -v valgrind >/dev/null" then return pending "valgrind is not installed" end
      local text =
         run(command("valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect",
            emulator().url, emulator().key))
      assert.equal("45 statuses\nexit 0\n", text)
   end)
end)
