-- Pages that make a careless reader slow: each kind in two sizes,
-- the larger one four times as long, so that time that grows faster than the bytes is seen.
-- The single large values are in both sizes larger than any read or buffer.
local cjson = require "cjson"
local members = require("topaz.emulator.members").list
local data = require "spec.bench.data"

local hostile = { GROWTH = 4 }

local function filled(count, make)
   local list = {}
   for i = 1, count do list[i] = make(i) end
   return list
end

-- The members of record i as a list of { name, JSON text }.
local function plain(i)
   local values, list = cjson.decode((data.record(i))), {}
   for k, name in ipairs(members) do list[k] = { name, cjson.encode(values[name]) } end
   return list
end

local function record(list, spell)
   local parts = {}
   for i, member in ipairs(list) do
      parts[i] = '"' .. (spell and spell(member[1]) or member[1]) .. '":' .. member[2]
   end
   return "{" .. table.concat(parts, ",") .. "}"
end

-- Record i with further members.
local function with(i, more)
   return record(table.move(more, 1, #more, #members + 1, plain(i)))
end

-- Record i with another text in options_json, as it stands between the quotes.
local function with_text(i, text)
   local list = plain(i)
   for _, member in ipairs(list) do
      if member[1] == "options_json" then member[2] = '"' .. text .. '"' end
   end
   return record(list)
end

-- The same every time: a linear congruential generator.
local function shuffled(list, seed)
   for i = #list, 2, -1 do
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      local j = seed % i + 1
      list[i], list[j] = list[j], list[i]
   end
   return list
end

local function escaped(name)
   return (name:gsub(".", function(c) return ("\\u%04x"):format(c:byte()) end))
end

-- Brackets inside one member so that 64 are open at once;
-- the page, its list and the record are three of them.
local DEEP = ('{"a":['):rep(30) .. "[1]" .. ("]}"):rep(30)

--- { name, make = function(size) → list of records }; size is 1 or GROWTH.
hostile.kinds = {
   { "usual records", make = function(size) return filled(250 * size, data.record) end },
   { "one string of 900 kB", make = function(size)
      return { with_text(1, ("x"):rep(900000 * size)) }
   end },
   { "900 kB string of escapes", make = function(size)
      return { with_text(1, ("\\u00e9\\n"):rep(112500 * size)) }
   end },
   { "10,000 members in a record", make = function(size)
      return { with(1, filled(10000 * size, function(i)
         return { "a_further_member_" .. i, ('"its own value, number %d"'):format(i) }
      end)) }
   end },
   { "64 levels in each record", make = function(size)
      return filled(250 * size, function(i) return with(i, { { "extra", DEEP } }) end)
   end },
   { "order of members changes", make = function(size)
      return filled(250 * size, function(i) return record(shuffled(plain(i), i)) end)
   end },
   { "keys written with escapes", make = function(size)
      return filled(250 * size, function(i) return record(plain(i), escaped) end)
   end },
   { "new members in each record", make = function(size)
      return filled(250 * size, function(i)
         return with(i, { { "first_" .. i, "1" }, { "second_" .. i, "2" }, { "third_" .. i, "3" } })
      end)
   end },
}

return hostile
