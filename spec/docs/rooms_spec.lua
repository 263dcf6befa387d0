-- The rooms of the core: an #include goes to the same room or to one below it in the table of
-- spec/guide/architecture.md; and neither includes nor calls lead from a file back to it.
local blocks = require "spec.docs.blocks"

-- The rooms in the order of the table, as { name = place }.
local function rooms()
   local places, count = {}, 0
   local chapter = blocks.read "spec/guide/architecture.md":match "## The rooms\n(.-)\n## "
   for name in chapter:gmatch "\n| `([%l%d]+)/?` |" do
      count = count + 1
      places[name] = count
   end
   return places, count
end

-- The room of a file below csrc: its folder, or its name up to the first underscore.
local function room_of(path) return path:match "^(%l+)/" or path:match "^([%l%d]+)" end

-- What each file below csrc includes, as { path = { path, … } }.
local function includes()
   local files = {}
   local pipe <close> = io.popen "cd csrc && find . -name '*.[ch]' | sed 's|^./||' | sort"
   for path in pipe:lines() do files[path] = {} end
   for path, list in pairs(files) do
      for name in blocks.read("csrc/" .. path):gmatch '\n?#include "([^"]+)"' do
         local beside = (path:match "^.*/" or "") .. name
         list[#list + 1] = files[beside] and beside or name
      end
   end
   return files
end

-- What each .c file uses that another one defines, as { path = { path, … } }.
local function uses(paths)
   local files, sources, home = {}, {}, {}
   for path in pairs(paths) do
      if path:find "%.c$" then
         files[path] = {}
         sources[path] = blocks.read("csrc/" .. path):gsub("/%*.-%*/", "")
         for line in sources[path]:gmatch "[^\n]+" do
            local name = not line:find "^static" and not line:find ";$" and line:match "^%a[%w_ %*]-([%l%d_]+)%("
            if name then home[name] = path end
         end
      end
   end
   for path, list in pairs(files) do
      local met = { [path] = true }
      for name in sources[path]:gmatch "[%l%d_]+" do
         local other = home[name]
         if other and not met[other] then
            met[other] = true
            list[#list + 1] = other
         end
      end
   end
   return files, home
end

-- The files on a way from `path` back to it; nil: there is none.
local function circle(files, path, way, done)
   way[#way + 1] = path
   for i = 1, #way - 1 do
      if way[i] == path then return table.concat(way, " > ", i) end
   end
   for _, next_path in ipairs(done[path] and {} or files[path]) do
      local found = circle(files, next_path, way, done)
      if found then return found end
   end
   way[#way] = nil
   done[path] = true
end

describe("the rooms of the core", function()
   local places, count = rooms()
   local files = includes()

   it("are in the table, all of them", function()
      local met = { version = true } -- a number alone
      for path in pairs(files) do
         local room = room_of(path)
         assert.truthy(met[room] or places[room], path)
         met[room] = true
      end
      for room in pairs(places) do assert.is_true(met[room], room) end
      assert.is_true(count >= 15)
   end)

   it("use only rooms below them", function()
      local upward = {}
      for path, list in pairs(files) do
         local from = places[room_of(path)]
         for _, name in ipairs(list) do
            local to = places[room_of(name)]
            if to and to < from then upward[#upward + 1] = path .. " > " .. name end
         end
      end
      table.sort(upward)
      assert.same({}, upward)
   end)

   it("call one another in no circle", function()
      local calls, home = uses(files)
      local done = {}
      for path in pairs(calls) do assert.is_nil(circle(calls, path, {}, done)) end
      assert.equal("request_attempt.c", home.request_launch)
      assert.is_true(#calls["request.c"] >= 4)
   end)

   it("include one another in no circle", function()
      local done = {}
      for path in pairs(files) do assert.is_nil(circle(files, path, {}, done)) end
      assert.equal("a > b > a", circle({ a = { "b" }, b = { "a" } }, "a", {}, {}))
   end)
end)
