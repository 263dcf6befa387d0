-- README.md and the guides do what they say: each Lua block runs as a script of its own against
-- an emulator, and each command that they name is there.
local blocks = require "spec.docs.blocks"

local README = blocks.read "README.md"
local paths = blocks.pages()

for _, path in ipairs(paths) do
   describe("the Lua blocks of " .. path, function()
      local emulator = blocks.emulator({ setup = setup, teardown = teardown, before_each = before_each }, { path })

      for _, block in ipairs(blocks.of(path, "lua")) do
         it(("the one at line %d runs to its end"):format(block.line), function()
            local missing = blocks.missing(block.text)
            if missing then return pending(missing .. " is not installed") end
            local ok, how, code, said = blocks.run(emulator(), blocks.script(block.text))
            assert(ok, ("%s %d, saying:\n%s"):format(how, code, said))
            local has_its_own = block.text:find 'require "topaz.emulator' or block.text:find 'require%("topaz.emulator'
            assert.is_true(has_its_own ~= nil or emulator():counts().total > 0, "it asked the API nothing")
         end)
      end
   end)
end

describe("the blocks", function()
   local emulator = blocks.emulator({ setup = setup, teardown = teardown, before_each = before_each }, {})

   it("are there", function()
      local counts = {}
      for _, path in ipairs(paths) do counts[path:match "[^/]+$"] = #blocks.of(path, "lua") end
      assert.is_true(counts["README.md"] >= 2 and counts["scripts.md"] >= 8 and counts["game-loops.md"] >= 2
         and counts["luv.md"] >= 2
         and counts["cqueues.md"] >= 2 and counts["emulator.md"] >= 5, "a page has lost its examples")
   end)

   it("tell when one fails", function()
      local ok, _, code, said = blocks.run(emulator(), 'error "on purpose"')
      assert.is_nil(ok)
      assert.equal(1, code)
      assert.matches("on purpose", said)
   end)

   it("tell when a game never comes to its end", function()
      local ok, _, _, said = blocks.run(emulator(), (blocks.script [[
         function love.load() end
         function love.update() end
         function love.draw() end
         function love.quit() end]]):gsub("2000", "2"))
      assert.is_nil(ok)
      assert.matches("never came to its end", said)
   end)
end)

describe("the commands of the pages", function()
   local commands = {}
   for _, path in ipairs(paths) do
      for _, block in ipairs(blocks.of(path, "sh")) do
         for line in block.text:gmatch "[^\n]+" do commands[#commands + 1] = line:gsub("%s+#.*$", "") end
      end
   end
   for code in README:gsub("\n```.-\n```", ""):gmatch "`([^`\n]+)`" do
      if code:match "^make%f[^%w]" or code:match "^apt " then commands[#commands + 1] = code end
   end

   it("are some", function() assert.is_true(#commands >= 5) end)

   it("name targets of the Makefile", function()
      local makefile = blocks.read "Makefile" .. "\n" .. blocks.read "spec/proof/proof.mk" .. "\n"
         .. blocks.read "spec/chaos/chaos.mk"
      for _, command in ipairs(commands) do
         local here = command:gsub("%f[%l]apt .*", ""):gsub("luarocks .*", "")
         for target in here:gmatch "%f[%w]make +([a-z][%w-]*)%f[^%w-]" do
            assert.is_truthy(("\n" .. makefile):find("\n" .. target:gsub("%-", "%%-") .. ":[^=]"),
               "no target: " .. command)
         end
      end
   end)

   it("name files that are there", function()
      for _, command in ipairs(commands) do
         -- what is below somebody's home is not ours
         local here = command:gsub("%$HOME/[^;\"]*", "")
         for path in here:gmatch "%f[%w.][%w._-]+/[%w._/-]+%.%w+" do
            assert.is_truthy(path:find "^build/" or io.open(path), "no such file: " .. command)
         end
      end
   end)

   it("install packages that .ci/deps knows", function()
      local deps = blocks.read ".ci/deps"
      for _, command in ipairs(commands) do
         for package_name in (command:match "apt install (.*)" or ""):gmatch "[%w.-]+" do
            assert.is_truthy(deps:find(package_name, 1, true), "not in .ci/deps: " .. command)
         end
      end
   end)
end)

describe("what a folder has a file for", function()
   it("is in the table of commands", function()
      local guide, rows = blocks.read "spec/guide/command-line.md", {}
      for name in guide:gmatch "\n| `topaz%-status ([%l-]+)" do rows[#rows + 1] = name end
      local names = {}
      for i, name in ipairs(require "topaz.cli.commands") do names[i] = name:gsub("_", "-") end
      -- of the parser itself
      table.move({ "completion", "help", "manual" }, 1, 3, #names + 1, names)
      assert.same(names, rows)
   end)

   it("is an event loop that is tested and in README.md", function()
      local tested, there = {}, 0
      for _, kind in ipairs(require "spec.support.loops") do tested[kind.name] = true end
      local row = README:match "\n| `scheduler` |[^\n]+"
      local pipe <close> = io.popen "ls lua/topaz/scheduler"
      for name in pipe:read("a"):gsub("common%.lua", ""):gmatch "(%w+)%.lua" do
         there = there + 1
         assert.is_true(tested[name], name)
         assert.truthy(row:find("[.\"]" .. name .. "[`\"]"), name)
      end
      assert.is_true(there >= 3)
   end)
end)

describe("the links of the pages", function()
   it("lead to files that are there", function()
      local count = 0
      for _, path in ipairs(paths) do
         for href in blocks.read(path):gmatch "%]%(([^)#]+)[^)]*%)" do
            if not href:find "^https?:" then
               count = count + 1
               assert.is_truthy(io.open((path:match "^.*/" or "") .. href), path .. ": no such file: " .. href)
            end
         end
      end
      assert.is_true(count > 15)
   end)
end)
