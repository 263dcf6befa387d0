-- `make static`: the library for hosts that link the core in.
-- It exports one name, and the hosts of spec/examples and of the guide run on it.
local blocks = require "spec.docs.blocks"
local run = require("spec.support.command").run
local world = require "spec.support.world"

describe("the static library", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder

   -- Compiles by the command of the guide.
   local function compile(source, program)
      local command
      for _, block in ipairs(blocks.of("spec/guide/hosts.md", "sh")) do
         command = command or block.text:match "cc [^\n]+"
      end
      command = command:gsub("host%.c", function() return source .. " -o " .. program end)
         :gsub("build/libtopaz%.a", function() return folder .. "/libtopaz.a" end)
      assert.equal("exit 0\n", run(command))
   end

   -- Both hosts find the checkout's modules themselves.
   local function start(program)
      return run(("env -u LD_PRELOAD LUA_PATH=';;' LUA_CPATH='%s' TOPAZ_BASE_URL='%s' TOPAZ_API_KEY='%s' %s"):format(
         package.cpath, emulator().url, emulator().key, program))
   end

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      assert.equal("exit 0\n", run(("MAKEFLAGS= make -s static BUILD=%s CFLAGS='-O0 -g' >/dev/null"):format(folder)))
   end)
   teardown(function() os.execute("rm -rf " .. folder) end)

   before_each(function() emulator():add_jobs { count = 45, status = "Completed" } end)

   it("defines luaopen_topaz_core and no other name that a program would see", function()
      if not os.execute "command -v objcopy >/dev/null" then return pending "objcopy is not installed" end
      assert.equal("luaopen_topaz_core\nexit 0\n",
         run(("nm -g --defined-only %s/libtopaz.a | awk 'NF == 3 { print $3 }'"):format(folder)))
   end)

   it("is all that the host of spec/examples needs", function()
      compile("spec/examples/host/host.c", folder .. "/host")
      assert.equal("45 statuses\nexit 0\n", start(folder .. "/host"))
   end)

   it("is all that the host of the guide needs", function()
      local source = blocks.of("spec/guide/hosts.md", "c")
      assert.equal(1, #source)
      local file = assert(io.open(folder .. "/guide.c", "w"))
      file:write(source[1].text)
      file:close()
      compile(folder .. "/guide.c", folder .. "/guide")
      assert.equal("45 statuses\nexit 0\n", start(folder .. "/guide"))
   end)
end)
