-- README.md does what it says: each Lua block runs as a script of its own against an emulator, and each command that it
-- names is there.
local emulators = require "spec.emulator"

local function read(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

local README = read "README.md"

-- The fenced blocks of a language: { text, line of the file where it begins }.
local function blocks(language)
   local found, block, number = {}, nil, 0
   for line in README:gmatch "([^\n]*)\n" do
      number = number + 1
      local fence = line:match "^```(%w*)$"
      if block and fence == "" then
         found[#found + 1] = block.language == language and { text = table.concat(block, "\n"), line = block.line } or nil
         block = nil
      elseif fence then
         block = { language = fence, line = number + 1 }
      elseif block then
         block[#block + 1] = line
      end
   end
   assert(not block, "README.md: a block that is not closed")
   return found
end

describe("the Lua blocks of README.md", function()
   local emulator

   setup(function() emulator = emulators.start { clock = "real" } end)
   teardown(function() emulator:stop() end)

   -- Enough for several pages; and each id that the examples name exists and comes to its end, but for the one that is all
   -- zeros, which is the example of an unknown one.
   before_each(function()
      emulator:reset()
      emulator:add_jobs { count = 90, status = { "Completed", "Failed" } }
      emulator:add_jobs { count = 40, timeline = { pending = { 0, 0.3 }, processing = { 0.2, 1 } } }
      local known = { ["00000000-0000-4000-8000-000000000000"] = true }
      for id in README:gmatch "%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x" do
         if not known[id] then
            emulator:add_jobs { process_id = id, timeline = { pending = 0.1, processing = 0.2, outcome = "Completed" } }
         end
         known[id] = true
      end
   end)

   local function run(text)
      local script, output = os.tmpname(), os.tmpname()
      local file = assert(io.open(script, "w"))
      file:write(text)
      file:close()
      local ok, how, code = os.execute(("LUA_PATH='%s' LUA_CPATH='%s' TOPAZ_API_KEY='%s' TOPAZ_BASE_URL='%s' lua5.4 %s >%s 2>&1"):format(
         package.path, package.cpath, emulator.key, emulator.url, script, output))
      local said = read(output)
      os.remove(script)
      os.remove(output)
      return ok, how, code, said
   end

   local found = blocks "lua"
   assert(#found >= 3, "README.md has lost its examples")
   for _, block in ipairs(found) do
      it(("the one at line %d runs to its end"):format(block.line), function()
         local ok, how, code, said = run(block.text)
         assert(ok, ("%s %d, saying:\n%s"):format(how, code, said))
         assert.is_true(emulator:counts().total > 0, "it asked the API nothing")
      end)
   end

   it("tell when one fails", function()
      local ok, _, code, said = run 'error "on purpose"'
      assert.is_nil(ok)
      assert.equal(1, code)
      assert.matches("on purpose", said)
   end)
end)

describe("the commands of README.md", function()
   local commands = {}
   for _, block in ipairs(blocks "sh") do
      for line in block.text:gmatch "[^\n]+" do commands[#commands + 1] = line:gsub("%s+#.*$", "") end
   end
   for code in README:gsub("\n```.-\n```", ""):gmatch "`([^`\n]+)`" do
      if code:match "^make%f[^%w]" or code:match "^apt " then commands[#commands + 1] = code end
   end

   it("are some", function() assert.is_true(#commands >= 5) end)

   it("name targets of the Makefile", function()
      local makefile = read "Makefile"
      for _, command in ipairs(commands) do
         for target in command:gsub("luarocks .*", ""):gmatch "%f[%w]make +([a-z][%w-]*)%f[^%w-]" do
            assert.is_truthy(("\n" .. makefile):find("\n" .. target:gsub("%-", "%%-") .. ":[^=]"), "no target: " .. command)
         end
      end
   end)

   it("name files that are there", function()
      for _, command in ipairs(commands) do
         for path in command:gmatch "%f[%w.][%w._-]+/[%w._/-]+%.%w+" do
            assert.is_truthy(io.open(path), "no such file: " .. command)
         end
      end
   end)

   it("install packages that .ci/deps knows", function()
      local deps = read ".ci/deps"
      for _, command in ipairs(commands) do
         for package_name in (command:match "apt install (.*)" or ""):gmatch "[%w.-]+" do
            assert.is_truthy(deps:find(package_name, 1, true), "not in .ci/deps: " .. command)
         end
      end
   end)
end)
