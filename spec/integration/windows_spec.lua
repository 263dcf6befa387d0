-- What only Windows has. Under wine, SIGINT makes Windows' event of Ctrl-C: the handler runs in a
-- thread of its own, as on Windows, and interrupts no system call.
local socket = require "socket"
local interpreter = require "spec.support.interpreter"
local program = require "spec.support.program"
local world = require "spec.support.world"

local PATIENCE = 60 -- seconds; wine starts slowly on a busy machine

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text
end

describe("on Windows", function()
   if not world.is_windows then
      it("Ctrl-C ends a wait", function() pending "this is not Windows" end)
      return
   end

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local out, err, ended, pid, script

   -- Waits until a function gives a true value, and returns that.
   local function wait_for(what, f)
      local deadline = socket.gettime() + PATIENCE
      while socket.gettime() < deadline do
         local value = f()
         if value then return value end
         socket.sleep(0.02)
      end
      error(("%s did not happen; output: %s%s"):format(what, read(out), read(err)))
   end

   -- Runs a shell command, and sends Ctrl-C as soon as the server has got a request.
   -- Returns the exit code.
   local function interrupted(command)
      local file = assert(io.open(script, "w"))
      file:write(program.environment(program.variables(emulator())), " ", command, " &\n",
         "child=$!\necho $child >", pid, "\nwait $child\necho $? >", ended, "\n")
      file:close()
      assert(os.execute(("sh %s >%s 2>%s </dev/null &"):format(script, out, err)))
      wait_for("the first request", function() return world.seen(emulator()) > 0 end)
      assert(os.execute(("kill -INT $(cat %s)"):format(pid)))
      return wait_for("the end", function() return tonumber(read(ended)) end)
   end

   before_each(function()
      out, err, ended, pid, script = os.tmpname(), os.tmpname(), os.tmpname(), os.tmpname(), os.tmpname()
   end)
   after_each(function()
      for _, path in ipairs { out, err, ended, pid, script } do os.remove(path) end
   end)

   it("Ctrl-C ends a wait", function()
      emulator():set { latency = 3600 }
      local waiting = os.tmpname()
      local file = assert(io.open(waiting, "w"))
      file:write [[
         local client = require "topaz".client { timeout = 3600 }
         local ok, err = pcall(client.get_page, client, {})
         io.write(tostring(ok), " ", tostring(err), "\n")
      ]]
      file:close()
      local code = interrupted(interpreter .. " " .. waiting)
      os.remove(waiting)
      assert.same({ "", 0 }, { read(err), code })
      assert.matches("^false [^\n]*interrupted!\n$", (read(out):gsub("\r", "")))
   end)

   it("Ctrl-C ends topaz-status wait, which says how to resume", function()
      local id = emulator():add_jobs({ timeline = { processing = 3600 } })[1]
      assert.equal(130, interrupted(program.command { "wait", id, "--timeout", "1h" }))
      assert.matches("^topaz%-status: interrupted\ntopaz%-status: to resume: topaz%-status wait "
         .. "[^\n]*%-%-resume topazw1%S+\n$", (read(err):gsub("\r", "")))
   end)
end)
