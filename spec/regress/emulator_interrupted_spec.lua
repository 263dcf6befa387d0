-- Ctrl-C while the emulator starts: a pcall around its first question took the error for "does not
-- answer yet", and it ran on; elsewhere its folder and its process were left.
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local interrupted = require "spec.support.interrupted"
local process = require "topaz.emulator.process"
local socket = require "socket"

local LIMIT = 60 -- seconds after which what is waited for is given up

-- The folders of the emulators of this process.
local function folders()
   return process.shell(('ls -d "$TMPDIR"/topaz-emulator-%d-* 2>/dev/null'):format(process.self()))
end

-- The processes that run in one of them.
local function servers() return process.shell(("pgrep -f [t]opaz-emulator-%d-"):format(process.self())) end

-- Waits until only the folders `before` are there: a server that was not known yet ends by itself,
-- one that was begun is stopped by the collector.
local function wait_for_folders(before, point)
   local deadline = socket.gettime() + LIMIT
   while folders() ~= before and socket.gettime() < deadline do
      collectgarbage()
      socket.sleep(0.05)
   end
   assert.equal(before, folders(), point)
end

describe("an emulator whose start is interrupted", function()
   it("raises that, and leaves neither folder nor process", function()
      local before, point, count = folders(), 1, 0
      repeat
         local fired, ok, err = interrupted(point, function() emulators.start { jobs = 1 } end)
         if fired then
            assert.same({ false, "interrupted!" }, { ok, err }, point)
            wait_for_folders(before, point)
            count = count + 1
         end
         point = point * 11 // 10 + 1
      until not fired
      assert(count > 40, count)
      local deadline = socket.gettime() + LIMIT
      -- The last one, whose start was not interrupted, is stopped by the collector.
      collectgarbage()
      collectgarbage()
      while servers() ~= "" and socket.gettime() < deadline do socket.sleep(0.05) end
      assert.equal("", servers())
      assert.equal(before, folders())
   end)

   it("is stopped all the same where its stop is interrupted", function()
      local before, point, fired = folders(), 0, true
      while fired do
         local emulator = emulators.start {}
         local stamp = process.stamp(emulator.pid)
         local ok, err
         point = point * 5 // 4 + 1
         fired, ok, err = interrupted(point, function() emulator:stop() end)
         if fired then assert.same({ false, "interrupted!" }, { ok, err }, point) end
         emulator:stop()
         assert.is_false(process.alive(emulator.pid, stamp), point)
         assert.equal(before, folders(), point)
      end
      assert(point > 20, point)
   end)

   -- A terminal's Ctrl-C goes to the shell that makes the certificates, too.
   it("leaves no folder of certificates", function()
      local home = process.shell "mktemp -d -t topaz-test-XXXXXX"
      process.shell(("cd %s && mkdir bin tmp && printf '#!/bin/sh\\nkill -INT $PPID\\n' >bin/openssl"):format(home))
      process.shell(("chmod 755 %s/bin/openssl"):format(home))
      os.execute(([[env PATH=%s/bin:"$PATH" TMPDIR=%s/tmp LUA_PATH='%s' LUA_CPATH='%s' %s -e '
         print(pcall(require("topaz.emulator").start, { tls = true }))' >%s/out 2>&1]])
         :format(home, home, package.path, package.cpath, interpreter, home))
      local out, left = process.shell("cat " .. home .. "/out"), process.shell("ls " .. home .. "/tmp")
      process.shell("rm -rf -- " .. home)
      assert.matches("^false\t.*openssl failed to make a certificate", out)
      assert.equal("", left)
   end)
end)
