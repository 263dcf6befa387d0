-- The client in foreign event loops: what only one of them has. The rest is in scheduler_spec.
local loops = require "spec.support.loops"
local topaz = require "topaz"
local interpreter = require "spec.support.interpreter"
local world = require "spec.support.world"

describe("luv", function()
   if loops[1].missing then
      it("runs", function() pending(loops[1].missing) end)
      return
   end
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("reports the error of a coroutine as one of its callbacks, with where it was", function()
      local path, out = os.tmpname(), os.tmpname()
      local script = assert(io.open(path, "w"))
      script:write(([[
local uv, topaz = require "luv", require "topaz"
local client = topaz.client { api_key = %q, base_url = %q, scheduler = require "topaz.scheduler.luv" }
local function fails() error "mine" end
coroutine.wrap(function()
   client:get_page()
   fails()
end)()
coroutine.wrap(function()
   client:get_page()
   print "the other went on"
   io.stdout:flush()
end)()
uv.run()
]]):format(emulator().key, emulator().url))
      script:close()
      local ok =
         os.execute(("LUA_PATH='%s' LUA_CPATH='%s' %s %s >%s 2>&1"):format(package.path, package.cpath, interpreter,
            path, out))
      local text = assert(io.open(out)):read "a"
      os.remove(path)
      os.remove(out)
      assert.is_falsy(ok)
      assert.matches("Uncaught Error", text)
      assert.matches("mine", text)
      assert.matches("in upvalue 'fails'", text)
   end)
end)

describe("cqueues", function()
   local ok, cqueues = pcall(require, "cqueues")
   if not ok then return end
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("drives a client in each controller that uses it", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client = world.client(emulator(), { scheduler = require "topaz.scheduler.cqueues" })
      local outer, inner, got = cqueues.new(), cqueues.new(), {}
      outer:wrap(function() got[1] = client:get_status(id).process_id end)
      inner:wrap(function() got[2] = client:get_status(id).process_id end)
      outer:wrap(function() assert(inner:loop()) end)
      assert(outer:loop())
      assert.same({ id, id }, got)
      client:close()
   end)

   it("blocks in a coroutine that is not the controller's own", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client = world.client(emulator(), { scheduler = require "topaz.scheduler.cqueues" })
      local queue, got = cqueues.new(), nil
      queue:wrap(function() got = coroutine.wrap(function() return client:get_status(id).process_id end)() end)
      assert(queue:loop())
      assert.equal(id, got)
      client:close()
   end)
end)

describe("a scheduler", function()
   it("must have its five methods", function()
      local ok, err = pcall(topaz.client,
         { api_key = "k", scheduler = { current = print, suspend = print, resume = print, attend = print } })
      assert.is_false(ok)
      assert.matches("scheduler.*'leave'", tostring(err))
   end)
end)
