-- `make doc`: the pages are there, each public name has its place, and no link leads nowhere.
local blocks = require "spec.docs.blocks"
local interpreter = require "spec.support.interpreter"
local luacats = require "spec.docs.luacats"

if not os.execute "command -v ldoc >/dev/null 2>&1" then
   describe("the pages", function() it("can be built", function() pending "LDoc is not installed" end) end)
   return
end

local lines_of = require("spec.support.command").lines

-- "a/b/../c" -> "a/c"
local function plain(path)
   local before
   repeat
      before = path
      path = path:gsub("[^/]+/%.%./", "", 1)
   until path == before
   return path
end

describe("the pages", function()
   local folder, pages = nil, {}

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      assert.is_true((os.execute(("%s spec/docs/build.lua %s >/dev/null"):format(interpreter, folder))))
      for _, path in ipairs(lines_of(("find %s -name '*.html'"):format(folder))) do pages[path] = blocks.read(path) end
   end)
   teardown(function() os.execute("rm -rf " .. folder) end)

   it("are one for each guide, one for each module, and the index", function()
      for _, path in ipairs(blocks.pages()) do
         local name = path:match "guide/(.*)$"
         if name then assert.is_string(pages[("%s/topics/%s.html"):format(folder, name)], name) end
      end
      for _, path in ipairs(luacats.FILES) do
         local _, name = luacats.read(path)
         assert.is_string(pages[("%s/modules/%s.html"):format(folder, name)], name)
      end
      assert.is_string(pages[folder .. "/index.html"])
   end)

   it("have no link that leads nowhere", function()
      local count = 0
      for path, text in pairs(pages) do
         for href in text:gmatch '[hs]re?[fc]="([^"]+)"' do
            local file, anchor = href:match "^([^#]*)#?(.*)$"
            local target = file == "" and path or plain(path:match "^.*/" .. file)
            if not href:find "^https?:" then
               count = count + 1
               local there = pages[target] or io.open(target)
               assert.is_truthy(there, path .. ": no such page: " .. href)
               if anchor ~= "" then
                  local has = pages[target]:find(('id="%s"'):format(anchor), 1, true)
                     or pages[target]:find(('name="%s"'):format(anchor), 1, true)
                  assert.is_truthy(has, path .. ": no such place: " .. href)
               end
            end
         end
      end
      assert.is_true(count > 200)
   end)

   it("have a place for each public name, with its example", function()
      local all = {}
      for _, text in pairs(pages) do all[#all + 1] = text end
      local text = table.concat(all)
      local _, entries = luacats.all()
      for _, entry in ipairs(entries) do
         if entry.kind == "function" and not entry.internal then
            assert.is_truthy(text:find('id="[%w_.]*[.:]?' .. entry.name .. '"'), entry.name)
         elseif entry.kind == "alias" or entry.kind == "class" and #entry.functions == 0 then
            assert.is_truthy(text:find('id="' .. entry.name:gsub("^topaz%.", "") .. '"'), entry.name)
         end
      end
      local _, examples = text:gsub('<pre class="example">', "")
      assert.is_true(examples >= 50)
   end)

   it("show every fault of the table", function()
      local text = pages[folder .. "/topics/what-happens-when.md.html"]
      local sections = dofile "spec/integration/fault_table.lua"
      -- and those of the table that says how to read it
      local rows, wanted = select(2, text:gsub("<tr><td>", "")), 7
      for _, section in ipairs(sections) do wanted = wanted + #section end
      assert.equal(wanted, rows)
   end)
end)
