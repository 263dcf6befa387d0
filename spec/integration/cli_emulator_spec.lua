-- topaz-status emulator: what it prints is enough to use it, and Ctrl-C ends all of it.
local emulators = require "topaz.emulator"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local socket = require "socket"

local quote = process.quote

-- Runs it, then `use`, a shell command with the variables that it prints, then Ctrl-C.
-- @treturn table as program.run gives: the output of `use`, and the exit code of the emulator
local function run(arguments, use)
   local log = os.tmpname()
   local script = ([[%%s >%s & pid=$!
      until grep -qs '^export TOPAZ_API_KEY=' %s; do kill -0 $pid || break; sleep 0.02; done
      . %s
      export LUA_PATH=%s LUA_CPATH=%s
      %s
      kill -INT $pid
      wait $pid]]):format(log, log, log, quote(package.path), quote(package.cpath), use)
   local result = program.run({ "emulator", table.unpack(arguments) }, { variables = {}, shell = script })
   os.remove(log)
   return result
end

local function lines(text) return select(2, text:gsub("\n", "")) end

-- Whether something answers at a URL.
local function answers(url)
   local connection = socket.connect("127.0.0.1", tonumber(url:match ":(%d+)/"))
   if connection then connection:close() end
   return connection ~= nil
end

describe("topaz-status emulator", function()
   it("prints the variables that the other commands need, and ends with 0 at Ctrl-C", function()
      local result = run({ "--jobs", "3", "--finished" }, program.command { "list" })
      assert.equal("", result.err)
      assert.equal(0, result.code)
      assert.equal(3, lines(result.out))
      assert.is_nil(result.out:find "Processing" or result.out:find "Pending")
   end)

   it("leaves nothing behind", function()
      local result = run({ "--tls" }, [[echo "$TOPAZ_BASE_URL $TOPAZ_CA_FILE"]])
      local url, ca_file = result.out:match "^(https://localhost:%d+/image/v1) (%S+)\n$"
      assert.is_string(url, result.out .. result.err)
      assert.is_false(answers(url))
      assert.is_nil(io.open(ca_file))
   end)

   it("serves https that the commands trust by what it prints, and jobs that run", function()
      local result = run({ "--tls", "--jobs", "5" }, program.command { "list" })
      assert.equal("", result.err)
      assert.equal(5, select(2, result.out:gsub("\tPending\t", "")))
   end)

   it("listens where it is told to, has as few jobs as it is told to, and is as slow", function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local port = select(2, listener:getsockname())
      local taken = program.run({ "emulator", "--port", port }, { variables = {} })
      assert.equal(3, taken.code)
      local message = "topaz-status: port %s is in use; choose another one, or leave --port out\n"
      assert.equal(message:format(port), taken.err)
      listener:close()
      local use = 'echo "$TOPAZ_BASE_URL"; ' .. program.command { "list", "--timeout", "0.2" }
      local result = run({ "--port", port, "--jobs", "0", "--latency", "60" }, use)
      assert.equal(("http://127.0.0.1:%s/image/v1\n"):format(port), result.out)
      assert.equal(0, result.code, result.err)
      assert.matches("timeout", result.err)
      result = run({ "--port", port, "--jobs", "0", "--tls" }, 'echo "$TOPAZ_BASE_URL"')
      assert.equal(("https://localhost:%s/image/v1\n"):format(port), result.out)
   end)

   describe("says in one line why it cannot start:", function()
      local is_root = process.shell "id -u" == "0"

      local function fails(arguments, o)
         o.variables = o.variables or {}
         local result = program.run({ "emulator", table.unpack(arguments) }, o)
         assert.equal(3, result.code, result.err)
         assert.equal("", result.out)
         assert.matches("^topaz%-status: [^\n]+; [^\n]+\n$", result.err)
         return result.err
      end

      it("no folder for what it writes", function()
         assert.matches("cannot create a temporary folder: .*No such file or directory; "
            .. "set TMPDIR to one you may write to\n$", fails({}, { variables = { TMPDIR = "/nowhere" } }))
      end)

      it("another one on its port", function()
         local other <close> = emulators.start {}
         local port = other.url:match ":(%d+)/"
         assert.matches("port " .. port .. " is in use; choose another one", fails({ "--port", port }, {}))
      end)

      it("a port of the system", function()
         local least = process.shell "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
         if not is_root or least == "0" then return pending "needs root, and ports that are reserved" end
         local err = fails({ "--port", "1" }, { shell = "setpriv --bounding-set -net_bind_service --inh-caps -all %s" })
         assert.matches("port 1 is reserved for the system; choose one of 1024 or more, or leave %-%-port out\n$", err)
      end)
   end)

   it("refuses what it does not know", function()
      for _, arguments in ipairs { { "--jobs", "many" }, { "--port", "0" }, { "--port", "65536" },
         { "--latency", "soon" }, { "--latency", "61m" }, { "--base-url", "http://127.0.0.1/" }, { "argument" } } do
         local result = program.run({ "emulator", table.unpack(arguments) }, { variables = {} })
         assert.equal(2, result.code, arguments[1])
         assert.matches("^topaz%-status: [^\n]+; [^\n]+\n$", result.err)
      end
   end)

   it("gives the terminal back at Ctrl-C", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      local screen <close> = screens.open(program.command { "emulator" }, { width = 100, height = 12 })
      local url = screen:wait_for("TOPAZ_API_KEY="):match "TOPAZ_BASE_URL=(%S+)"
      assert.is_true(answers(url))
      screen:keys "C-c"
      screen:wait_for "ended with 0\nsusp=^Zicanonecho"
      assert.is_false(answers(url))
      assert.is_nil(screen:raw():find "interrupted")
   end)
end)
