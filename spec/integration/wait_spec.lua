-- wait_until_done. Delays are drawn by core.random: the specs that count polls make it predictable.
local core = require "topaz.core"
local interpreter = require "spec.support.interpreter"
local world = require "spec.support.world"

describe("client:wait_until_done()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client, random

   before_each(function()
      client = world.client(emulator())
      random = core.random
      core.random = function() return 0 end
   end)
   after_each(function()
      core.random = random
      client:close()
   end)

   -- Answers to the polls, one after the other; the last one stays.
   local function script(id, words)
      for i, word in ipairs(words) do
         local status, progress = word:match "^(%a+)%s*(%d*)$"
         emulator():fault { match = { kind = "one" }, status = 200, times = i == #words and math.huge or 1,
            body = ('{"process_id":%q,"status":%q,"progress":%s}'):format(id, status,
               progress ~= "" and progress or "0") }
      end
   end

   local ID = "00000000-0000-4000-8000-000000000001"

   it("returns at once when the job has ended, with one request", function()
      for _, word in ipairs { "Completed", "Failed", "Cancelled" } do
         emulator():clear_log()
         local id = emulator():add_jobs { status = word }[1]
         local status, err = client:wait_until_done(id, { timeout = 0 })
         assert.is_nil(err)
         assert.equal(word, status.status)
         assert.equal(1, world.seen(emulator()))
      end
   end)

   it("reports changes only, with the status before", function()
      script(ID, { "Pending", "Pending", "Processing 10", "Processing 10", "Processing 60", "Completed 100" })
      local seen = {}
      local status = client:wait_until_done(ID, { on_progress = function(now, before)
         seen[#seen + 1] = now.status .. now.progress .. "<"
            .. (before and before.status .. before.progress or "nothing")
      end })
      assert.equal("Completed", status.status)
      assert.same({ "Pending0<nothing", "Processing10<Pending0", "Processing60<Processing10",
         "Completed100<Processing60" }, seen)
      assert.equal(6, world.seen(emulator()))
   end)

   it("times out with the last status, after a last look", function()
      local id = emulator():add_jobs { status = "Processing", progress = 42 }[1]
      local status, err = client:wait_until_done(id, { timeout = 0.3 })
      assert.is_nil(status)
      assert.equal("timeout", err.kind)
      assert.equal("wait_until_done", err.operation)
      assert.equal(id, err.process_id)
      assert.equal("Processing", err.status.status)
      assert.matches("42%%", tostring(err))
   end)

   it("is not ended by a failure that passes", function()
      script(ID, { "Processing 5" })
      emulator():clear_faults()
      -- more than one call retries
      emulator():fault { match = { kind = "one" }, status = 503, times = 6, body = "" }
      script(ID, { "Completed 100" })
      local patient <close> = world.client(emulator(), { max_retries = 2 })
      assert.equal("Completed", patient:wait_until_done(ID).status)
      assert.equal(7, world.seen(emulator()))
   end)

   it("is ended by 401, 403 and 404, with the last status seen", function()
      for status, kind in pairs { [401] = "unauthorized", [403] = "forbidden", [404] = "not_found" } do
         emulator():reset()
         emulator():fault { match = { kind = "one" }, status = 200,
            body = ('{"process_id":%q,"status":"Pending"}'):format(ID) }
         emulator():fault { match = { kind = "one" }, status = status, body = '{"message":"no"}', times = math.huge }
         local result, err = client:wait_until_done(ID)
         assert.is_nil(result)
         assert.equal(kind, err.kind)
         assert.equal("Pending", err.status.status)
         assert.equal(2, world.seen(emulator()))
      end
   end)

   it("lets an error of on_progress through", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      local ok, err = pcall(client.wait_until_done, client, id, { on_progress = function() error("mine", 0) end })
      assert.is_false(ok)
      assert.equal("mine", err)
   end)

   it("refuses what makes no sense", function()
      for _, options in ipairs { { timeout = -1 }, { timeout = "5" }, { on_progress = 5 }, { interval = 1 } } do
         assert.is_false((pcall(client.wait_until_done, client, ID, options)))
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("ends within a quarter of a second of Ctrl-C, in a real process", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      local script_path, judge_path, out = os.tmpname(), os.tmpname(), os.tmpname()
      local file = assert(io.open(script_path, "w"))
      file:write(([[
         local client = require("topaz").client { api_key = %q, base_url = %q }
         print(client:wait_until_done(%q, { on_progress = function() print("waiting"); io.stdout:flush() end }))
      ]]):format(emulator().key, emulator().url, id))
      file:close()
      local judge = assert(io.open(judge_path, "w"))
      judge:write(([[
import subprocess, signal, time
p = subprocess.Popen([%q, %q], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
line = p.stdout.readline()
time.sleep(0.3)
began = time.monotonic()
p.send_signal(signal.SIGINT)
rest = p.communicate(timeout=10)[0]
late = time.monotonic() - began
print(line.strip(), p.returncode, "in time" if late < 0.25 else "late by %%.2f s" %% late, "interrupted" in rest)
]]):format(interpreter, script_path))
      judge:close()
      os.execute(("LUA_PATH='%s' LUA_CPATH='%s' python3 %s > %s"):format(package.path, package.cpath, judge_path, out))
      local text = assert(io.open(out)):read("a")
      os.remove(script_path)
      os.remove(judge_path)
      os.remove(out)
      assert.equal("waiting 1 in time True\n", text)
   end)
end)

describe("client:sleep()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("waits and refuses nonsense", function()
      local client <close> = world.client(emulator())
      assert.is_true(client:sleep(0.01))
      for _, wrong in ipairs { -1, "1", 0 / 0, math.huge } do assert.is_false((pcall(client.sleep, client, wrong))) end
   end)
end)
