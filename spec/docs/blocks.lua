-- What the pages have between their fences, and the running of it:
-- each Lua block is a script of its own, against an emulator.
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"

local blocks = {}

--- The whole text of a file.
function blocks.read(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

--- README.md and the guides.
-- @treturn table paths
function blocks.pages()
   local paths = { "README.md" }
   local pipe = io.popen "ls spec/guide/*.md"
   for path in pipe:lines() do paths[#paths + 1] = path end
   pipe:close()
   return paths
end

--- The fenced blocks of a language.
-- @tparam string path
-- @tparam string language
-- @treturn table list of { text, line }: the line of the file where it begins
function blocks.of(path, language)
   local found, block, number = {}, nil, 0
   for line in blocks.read(path):gmatch "([^\n]*)\n" do
      number = number + 1
      local fence = line:match "^```(%w*)$"
      if block and fence == "" then
         if block.language == language then
            found[#found + 1] = { text = table.concat(block, "\n"), line = block.line }
         end
         block = nil
      elseif fence then
         block = { language = fence, line = number + 1 }
      elseif block then
         block[#block + 1] = line
      end
   end
   assert(not block, path .. ": a block that is not closed")
   return found
end

-- ---- running ------------------------------------------------------------------------------------

local UNKNOWN = "00000000-0000-4000-8000-000000000000" -- the example of an unknown id

--- Sets up a `describe` block: an emulator with enough jobs for several pages,
-- and with each id that the pages name, which comes to its end.
-- @tparam table busted { setup, teardown, before_each }
-- @tparam table paths
-- @treturn function giving the emulator
function blocks.emulator(busted, paths)
   local emulator
   busted.setup(function() emulator = emulators.start { clock = "real" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function()
      emulator:reset()
      emulator:add_jobs { count = 90, status = { "Completed", "Failed" } }
      emulator:add_jobs { count = 40, timeline = { pending = { 0, 0.3 }, processing = { 0.2, 1 } } }
      local known = { [UNKNOWN] = true }
      for _, path in ipairs(paths) do
         for id in blocks.read(
            path):gmatch "%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x" do
            if not known[id] then
               emulator:add_jobs { process_id = id,
                  timeline = { pending = 0.1, processing = 0.2, outcome = "Completed" } }
            end
            known[id] = true
         end
      end
   end)
   return function() return emulator end
end

--- A game engine with the callbacks of LÖVE, for scripts that define them.
blocks.LOVE = [[
love = { event = { quit = function() love.over = true end }, graphics = { print = function(text) print(text) end } }
%s
love.load()
for _ = 1, 2000 do
   love.update(1 / 60)
   if love.over then break end
   os.execute "sleep 0.01"
end
love.draw()
love.quit()
assert(love.over, "it never came to its end")
]]

--- The script that a block is: as it stands, or in an engine.
function blocks.script(text)
   if text:find "function love%." then return blocks.LOVE:gsub("%%s", function() return text end) end
   return text
end

--- The modules of a block that are not there.
-- @treturn string|nil the first one
function blocks.missing(text)
   for name in text:gmatch 'require "([%w_.]+)"' do
      if not package.searchpath(name, package.path) and not package.searchpath(name, package.cpath) then return name end
   end
end

--- Runs a command with the emulator's variables in its environment.
-- @treturn boolean|nil whether it ended well
-- @treturn string how it ended
-- @treturn integer its code
-- @treturn string what it said
function blocks.execute(emulator, command)
   local output = os.tmpname()
   local ok, how, code =
      os.execute(("LUA_PATH='%s' LUA_CPATH='%s' TOPAZ_API_KEY='%s' TOPAZ_BASE_URL='%s' %s >%s 2>&1"):format(
         package.path, package.cpath, emulator.key, emulator.url, command, output))
   local said = blocks.read(output)
   os.remove(output)
   return ok, how, code, said
end

--- Runs a script; the same results.
function blocks.run(emulator, text)
   local script = os.tmpname()
   local file = assert(io.open(script, "w"))
   file:write(text)
   file:close()
   local ok, how, code, said = blocks.execute(emulator, interpreter .. " " .. script)
   os.remove(script)
   return ok, how, code, said
end

return blocks
