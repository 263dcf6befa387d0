-- Waiting is left to the system: a process that waits is woken by sockets, timers and signals,
-- and not by the clock. Wake-ups are counted as the voluntary context switches of a process
-- of its own. And a wait that nothing wakes can still be ended, by Ctrl-C as by a hook.
local interpreter = require "spec.support.interpreter"
local world = require "spec.support.world"

describe("an idle wait", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real" })
   after_each(function() emulator():set { latency = 0 } end)

   local SECONDS = 6
   -- wake-ups for what stands at both ends of the wait: the request that goes out, the answer
   local BESIDE = 8

   -- Runs `wait` in a process of its own; counts how often it slept meanwhile,
   -- and for how many seconds.
   local HEAD = [[
local topaz = require "topaz"
local socket = require "socket"
local URL, KEY, SECONDS = "%s", "%s", %g
local client = topaz.client { api_key = KEY, base_url = URL, timeout = 60 }
local function switches()
   for line in io.lines "/proc/self/status" do
      local n = line:match "^voluntary_ctxt_switches:%%s*(%%d+)"
      if n then return tonumber(n) end
   end
end
local id = "00000000-0000-4000-8000-000000000001"
client:get_page { limit = 1 } -- the connection is there
]]
   local TAIL = [[
local before, began = switches(), socket.gettime()
wait()
print(switches() - before, socket.gettime() - began)
]]

   local function count(text)
      if not io.open "/proc/self/status" then return pending "this system has no /proc" end
      local script = HEAD:format(emulator().url, emulator().key, SECONDS) .. text .. "\n" .. TAIL
      local out = world.script(script)
      local wakes, seconds = out:match "^(%d+)\t([%d.e-]+)\n$"
      assert(wakes, out)
      wakes, seconds = tonumber(wakes), tonumber(seconds)
      assert.is_true(wakes <= seconds / 2 + BESIDE, ("%d wake-ups in %.1f s"):format(wakes, seconds))
   end

   -- A step may end early, for what the call before left; but it does not spin.
   it("of a step does not wake up", function()
      count [[
local function wait()
   local ends, steps = topaz.core.now() + SECONDS, 0
   repeat
      client:step(math.max(0, ends - topaz.core.now()))
      steps = steps + 1
   until topaz.core.now() >= ends
   assert(steps <= 8, steps)
end]]
   end)

   it("of a sleep does not wake up", function() count "local function wait() client:sleep(SECONDS) end" end)

   it("of a hundred tasks that sleep does not wake up", function()
      count [[
for _ = 1, 100 do client:spawn("sleep", SECONDS) end
local function wait() assert(client:run() == 0) end]]
   end)

   it("for a response that is late does not wake up", function()
      emulator():set { latency = SECONDS }
      count [[local function wait() assert(client:get_page { limit = 1 }) end]]
   end)

   it("for a list's page that is late does not wake up", function()
      emulator():add_jobs { count = 3, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, delay = SECONDS }
      count [[local function wait() for _ in client:statuses() do end end]]
   end)

   it("for a job that does not move wakes up for its polls alone", function()
      local id = emulator():add_jobs { status = "Processing", fields = { eta = os.time() + 86400 } }[1]
      count(("local function wait() client:wait_until_done('%s', { timeout = SECONDS }) end"):format(id))
   end)
end)

describe("a wait that nothing wakes", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   after_each(function() emulator():set { latency = 0 } end)

   local SIGNALS = 50 -- of one kind of wait; each at a moment of its own

   -- What a script does that waits without end, as the tail of one that has `client` and `id`.
   local waits = {
      ["a call"] = "client:get_page()",
      ["a list"] = "for _ in client:statuses() do end",
      ["a plain array"] = "for _ in client:statuses { paginated = false } do end",
      ["a sleep"] = "client:sleep(1000)",
      ["a step"] = "client:step(1000)",
      ["client:run()"] = "client:spawn('sleep', 1000) client:run()",
      ["a result"] = "client:start('get_page'):result()",
      ["wait_all"] = "client:wait_all { '00000000-0000-4000-8000-000000000001' }",
      ["await"] = "client:spawn('get_page'):await()",
   }

   -- Starts so many processes that say when they begin to wait,
   -- and ends each by SIGINT soon after that. It prints what they said.
   -- The one that hears no signal is ended later, by the shell, and then said nothing.
   local COMMAND = [[
export LUA_PATH='%s' LUA_CPATH='%s'
for i in $(seq %d); do
   %s %s 2>&1 | grep -o 'interrupted!' | head -n 1 &
done
wait]]

   -- Each process begins its wait, and a child of it sends the signal at a moment of its own.
   local SCRIPT = [[
local topaz = require "topaz"
local client = topaz.client { api_key = "%s", base_url = "%s", timeout = 900, attempt_timeout = 900 }
local pid = io.open "/proc/self/stat":read "n"
math.randomseed(pid)
-- popen, since os.execute ignores the signal meanwhile
local killer = "(sleep %%.4f; kill -INT %%d; sleep 60; kill -KILL %%d) >/dev/null 2>&1 &"
io.popen(killer:format(math.random() * 0.3, pid, pid)):close()
%s]]

   for name, text in pairs(waits) do
      it("is ended by Ctrl-C: " .. name, function()
         if not io.open "/proc/self/stat" then return pending "this system has no /proc" end
         emulator():set { latency = 900 }
         local path = os.tmpname()
         finally(function() os.remove(path) end)
         local file = assert(io.open(path, "w"))
         file:write(SCRIPT:format(emulator().key, emulator().url, text))
         file:close()
         local many = name == "a call" and SIGNALS or 5
         local pipe = assert(io.popen(COMMAND:format(package.path, package.cpath, many, interpreter, path)))
         local _, ended = pipe:read "a":gsub("interrupted!", "")
         pipe:close()
         assert.equal(many, ended)
      end)
   end

   it("does not spin where a hook looks at each instruction", function()
      emulator():set { latency = 1 }
      local client <close> = world.client(emulator())
      local id, instructions = emulator():add_jobs(1)[1], 0
      debug.sethook(function() instructions = instructions + 1 end, "", 1)
      local status = client:get_status(id)
      debug.sethook()
      assert.equal(id, status.process_id)
      assert.is_true(instructions < 20000, instructions .. " instructions while it waited")
   end)

   it("is ended by a hook that was set before it", function()
      emulator():set { latency = 900 }
      local client <close> = world.client(emulator())
      local steps = 0
      debug.sethook(function()
         steps = steps + 1
         if steps == 100 then
            debug.sethook()
            error("hooked", 0)
         end
      end, "", 1)
      local ok, err = pcall(client.get_page, client)
      debug.sethook()
      assert.same({ false, "hooked" }, { ok, err })
   end)

   it("runs the hooks of another coroutine that a task sets", function()
      emulator():set { latency = 900 }
      local client <close> = world.client(emulator())
      local main = coroutine.running()
      client:spawn(function()
         client:sleep(0.01)
         debug.sethook(main, function()
            debug.sethook(main)
            error("hooked", 0)
         end, "", 1)
      end)
      local ok, err = pcall(client.get_page, client)
      assert.same({ false, "hooked" }, { ok, err })
   end)
end)
