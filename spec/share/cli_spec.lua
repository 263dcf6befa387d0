-- topaz-status share, and --share of wait.
local blocks = require "spec.docs.blocks"
local core = require "topaz.core"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local set_up = require "spec.support.cli"

local LIMIT = 60 -- seconds that something may take on a busy machine

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local server

   if not redis.program() then
      it("share is tested", function() pending(select(2, redis.program())) end)
      return
   end

   setup(function() server = assert(redis.start()) end)
   teardown(function() server:stop() end)
   before_each(function() server:call "FLUSHALL" end)

   it("share --status says that no process leads", function()
      local result = cli.run { "share", "--status", "--share", server.url }
      assert.equal(1, result.code)
      assert.equal("members\t0\nids\t0\nleader\tno\nrate\tno limit\n", result.out)
   end)

   it("share leads, and a wait beside it asks nothing itself", function()
      local ids = cli.emulator:add_jobs { count = 3, timeline = { processing = 1 } }
      local log = os.tmpname()
      local leader = process.start(program.environment(program.variables(cli.emulator)) .. " "
         .. program.command { "share", "--share", server.url }, nil, log)
      local deadline = core.now() + LIMIT
      repeat
         local result = cli.run { "share", "--status", "--share", server.url }
         assert(core.now() < deadline, result.out .. blocks.read(log))
      until result.code == 0
      local out = cli.fine({ "wait", ids[1], ids[2], ids[3] }, { variables = { TOPAZ_SHARE = server.url } })
      process.stop(leader)
      os.remove(log)
      for _, id in ipairs(ids) do assert.matches(id:gsub("%-", "%%-") .. "\tCompleted", out) end
   end)

   it("refuses a password in --share, which others could see, and takes it from a file", function()
      local said = cli.fails(2, { "share", "--status", "--share", "redis://:hunter2@127.0.0.1:1/0" })
      assert.is_nil(said:find("hunter2", 1, true))
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(server.url, "\n")
      file:close()
      os.execute("chmod 644 " .. path)
      cli.fails(2, { "share", "--status", "--share-file", path })
      os.execute("chmod 600 " .. path)
      assert.equal(1, cli.run({ "share", "--status", "--share-file", path }).code)
      assert.equal(1, cli.run({ "share", "--status" }, { variables = { TOPAZ_SHARE_FILE = path } }).code)
      os.remove(path)
   end)

   it("says what is wrong with the URL, and which Redis cannot be reached", function()
      assert.matches("TOPAZ_SHARE: expected redis://", (cli.fails(2, { "share", "--status" }, { variables =
         { TOPAZ_SHARE = "http://x" } })))
      assert.matches("no Redis", (cli.fails(2, { "share", "--status" })))
      local result = cli.run { "share", "--status", "--share", "redis://127.0.0.1:1/0" }
      assert.equal(3, result.code)
      assert.matches("127.0.0.1:1", result.err)
   end)
end)
