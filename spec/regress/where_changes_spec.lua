-- A set in `where` was counted, then memory was made for so many texts, which can run a finalizer,
-- then it was filled: one that had lengthened the set meanwhile had the texts written past the end.
-- Visible under AddressSanitizer.
local topaz = require "topaz"
local collector = require "spec.support.collector"
local disturb = require "spec.support.disturb"
local world = require "spec.support.world"

if world.alone(describe, it, "spec/regress/where_changes_spec.lua") then return end

describe("the options of a list", function()
   local client

   before_each(function() client = topaz.client { api_key = "key-of-the-tests", base_url = "http://127.0.0.1:9" } end)
   after_each(function()
      collectgarbage "restart"
      collector.usual()
      client:close()
   end)

   -- Members were skipped: here the wrong one, which was then not refused.
   it("read all of where when a finalizer adds members meanwhile", function()
      local acted_at_all, members = 0, { "progress", "credits", "eta", "input_width", "output_height" }
      for turn = 1, 100 do
         local names = {}
         for i = 1, 50 do names[i] = "Status" .. i end
         local where = { status = names, model = "A", filename = { except = "x" }, category = "c", source_id = names }
         local wrong = members[turn % #members + 1]
         where[wrong] = "not a number"
         local acted, ok, message = disturb(turn // #members + 1, function()
            for i = 1, 20 do where["more" .. i] = true end
            for i = 1, 20 do where["more" .. i] = nil end
         end, function() return client:statuses { where = where } end, 4)
         if acted then acted_at_all = acted_at_all + 1 end
         assert.is_false(ok)
         assert.matches("'" .. wrong .. "' is an integer member", tostring(message), nil, true)
      end
      assert.is_true(acted_at_all > 2)
   end)

   -- For each way to write a set: its table, and what lengthens it.
   local sets = {
      list = function(n) return "Status" .. n end,
      set = function() return true end,
      ["list of numbers"] = function(n) return n end,
   }
   for shape, value in pairs(sets) do
      local is_list, is_number = shape ~= "set", shape == "list of numbers"
      for _, change in ipairs { "lengthens", "empties" } do
         it(("may be changed by a finalizer that %s a %s meanwhile"):format(change, shape), function()
            local acted_at_all = 0
            for turn = 1, 60 do
               local texts = {}
               for i = 1, 5 do texts[is_list and i or "Status" .. i] = value(i) end
               local acted, ok, cursor = disturb(turn, function()
                  for key in pairs(texts) do
                     if change == "empties" then texts[key] = nil end
                  end
                  if change == "lengthens" then
                     for i = 6, 3000 do texts[is_list and i or "Status" .. i] = value(i) end
                  end
               end, function()
                  local where = { status = texts, model = "A" }
                  if is_number then where = { credits = { except = texts }, progress = texts } end
                  return client:statuses { where = where, fields = { "status", "model" } }
               end, 4)
               if acted then acted_at_all = acted_at_all + 1 end
               if ok then assert.matches("^topaz1%.p%.100%.%.%.", cursor:token()) end
            end
            assert.is_true(acted_at_all > 2)
         end)
      end
   end
end)
