-- An empty array in a member that the contract does not name was read as an empty table,
-- and written as an empty object.
local busted = require "busted"
local emulators = require "topaz.emulator"
local program = require "spec.support.program"
local topaz = require "topaz"
local world = require "spec.support.world"

describe("an empty array", function()
   local emulator
   busted.setup(function() emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function() emulator:reset() end)

   local function add()
      return emulator:add_jobs({ status = "Completed", raw_fields = {
         tags = "[]", more = '{"none":[],"nothing":{},"list":[[],{},[1]]}', model = "[]" } })[1]
   end

   it("can be told from an empty object, in a page and in a list", function()
      local id = add()
      local client <close> = world.client(emulator)
      for _, status in ipairs { client:get_status(id), client:get_page().data[1], client:statuses()() } do
         assert.equal(topaz.array_mt, getmetatable(status.tags))
         assert.equal(topaz.array_mt, getmetatable(status.model))
         assert.equal(topaz.array_mt, getmetatable(status.more.none))
         assert.equal(topaz.array_mt, getmetatable(status.more.list[1]))
         assert.is_nil(getmetatable(status.more.nothing))
         assert.is_nil(getmetatable(status.more.list))
         assert.is_nil(getmetatable(status))
      end
   end)

   it("is written as one by the command line", function()
      local id = add()
      for _, arguments in ipairs { { "list", "--json" }, { "list", "--jsonl" }, { "get", id, "--json" },
         { "get", id, "--jsonl" } } do
         local result = program.run(arguments, { variables = program.variables(emulator) })
         assert.equal(0, result.code, result.err)
         assert.is_truthy(result.out:find('"tags":[]', 1, true), result.out)
         assert.is_truthy(result.out:find('"more":{"list":[[],{},[1]],"none":[],"nothing":{}}', 1, true), result.out)
         assert.is_truthy(result.out:find('"model":[],', 1, true), result.out)
      end
   end)

   it("that was filled by the caller is written as what it is then", function()
      local json = require "topaz.cli.json"
      local list = topaz.core.decode "[]"
      assert.equal("[]", json.encode(list))
      list.a = 1
      assert.equal('{"a":1}', json.encode(list))
      assert.equal("{}", json.encode {})
   end)

   it("has the metatable that cjson gives its arrays, where cjson has one", function()
      local mine = topaz.core.array_mt()
      finally(function() topaz.core.array_mt(mine) end)
      assert.equal("array", mine.__jsontype or "array")
      local theirs = {}
      assert.equal(theirs, topaz.core.array_mt(theirs))
      assert.equal(theirs, getmetatable(topaz.core.decode "[]"))
      assert.has_error(function() topaz.core.array_mt(5) end)
   end)
end)
