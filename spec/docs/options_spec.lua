-- One set of options in four places: the definition files (lua/topaz/types), the C sources,
-- the Lua sources and README.md.
local topaz = require "topaz"
local blocks = require "spec.docs.blocks"
local entries = require "spec.docs.entries"
local luacats = require "spec.docs.luacats"

local keys, names, find = entries.keys, entries.names, entries.find
local classes = luacats.all()
local README = blocks.read "README.md"

local C_TYPES = {
   STRING = "string", TEXT = "string", NUMBER = "number", INTEGER = "integer", BOOLEAN = "boolean", TABLE = "table",
   FUNCTION = "function", EITHER = "table",
}
-- The row that all tables of options share.
local HEADERS = { name = "headers", type = "headers" }

local C_NUMBERS = { SESSION_TIMEOUT_MAX = topaz.core.timeout_max, STATUS_PAGE_MAX = topaz.core.page_max }

local function number(text) return tonumber(text) end

-- The rows of a C source: { name, type, default or nil, least, most }, those after `from`.
local function c_rows(path, from)
   local text, rows = blocks.read(path), {}
   local body = text:match(from .. ".-(%b{});")
   local row = '{"([%w_]+)",%s*OPTION_(%u+),%s*([^,}]-),%s*([^,}]-),%s*([^,}]-),[^}]+}'
   for name, kind, default, least, most in body:gmatch(row) do
      rows[#rows + 1] = { name = name, type = C_TYPES[kind], default = default, least = number(least),
         most = number(most) or most }
      if kind == "BOOLEAN" then rows[#rows].default = default == "1" and "true" or "false" end
      if default == "OPTION_NONE" then rows[#rows].default = nil end
      rows[#rows].most = C_NUMBERS[rows[#rows].most] or rows[#rows].most
      rows[#rows].default = C_NUMBERS[default] and tostring(C_NUMBERS[default]) or rows[#rows].default
   end
   if body:find "OPTION_HEADERS_ROW" then rows[#rows + 1] = HEADERS end
   return rows
end

-- The same of a Lua source, whose rows are a table named OPTIONS.
local function lua_rows(path)
   local rows = {}
   for _, row in ipairs(load("return " .. blocks.read(path):match "local OPTIONS = (%b{})", path, "t",
      { limits = require "topaz.limits" })()) do
      rows[#rows + 1] = {
         name = row[1], type = row[2], default = row[3] ~= nil and tostring(row[3]) or nil, least = row[4],
         most = row[5],
      }
   end
   return rows
end

local OPTIONS = {
   ["topaz.ClientOptions"] = { rows = c_rows("csrc/client_options.c", "client_options%[%] = "),
      heading = "Options of a client" },
   ["topaz.StatusesOptions"] = { rows = c_rows("csrc/cursor_options.c", "option_row rows%[%] = "),
      heading = "Options of `client:statuses`" },
   ["topaz.CallOptions"] = { rows = c_rows("csrc/api.c", "option_row call_rows%[%] = ") },
   ["topaz.PageOptions"] = { rows = c_rows("csrc/api.c", "option_row rows%[%] = ") },
   ["topaz.WaitOptions"] = { rows = lua_rows "lua/topaz/wait.lua" },
   ["topaz.WatchOptions"] = { rows = lua_rows "lua/topaz/watch/init.lua" },
   ["topaz.CleanupOptions"] = { rows = lua_rows "lua/topaz/cleanup.lua" },
}

local function is_bounded(row) return row.type == "number" or row.type == "integer" end

-- The table below a heading of README.md: name -> { type and unit, default, text }.
local function readme_table(heading)
   local rows = {}
   local section = README:match("### " .. heading:gsub("[%-`:]", "%%%0") .. "\n(.-)\n##")
   for line in section:gmatch "|([^\n]+)|\n" do
      local first, unit, default, text = line:match "^ *(.-) *| *(.-) *| *(.-) *| *(.-) *$"
      local name = first and first:match "^`([%w_]+)`$"
      if name then rows[name] = { unit = unit, default = default, text = text } end
   end
   return rows
end

local LUA_TYPES = { table = "table", ["function"] = "fun", headers = "topaz" }

describe("the options", function()
   for name, set in pairs(OPTIONS) do
      it("of " .. name .. " are those of the source, with the same types, defaults and ranges", function()
         assert.is_true(#set.rows >= 2, "no rows found")
         assert.same(names(set.rows), names(classes[name].fields))
         for _, row in ipairs(set.rows) do
            local field, where = find(classes[name].fields, row.name), name .. "." .. row.name
            local limits = luacats.limits(field)
            assert.is_true(field.optional, where)
            local kind = LUA_TYPES[row.type] or row.type
            if kind ~= "table" then assert.equal(kind, field.type:match "^%a+", where) end
            assert.is_truthy(limits.default, where .. ": no default in its text")
            if row.default then assert.equal(row.default, limits.default, where) end
            if is_bounded(row) then
               assert.equal(row.least, limits.least, where)
               assert.equal(row.most, limits.most, where)
            end
         end
      end)

      if set.heading then
         it("of " .. name .. " are those of README.md", function()
            local rows = readme_table(set.heading)
            assert.same(names(set.rows), keys(rows))
            for _, row in ipairs(set.rows) do
               local said = rows[row.name]
               if row.default then assert.equal(row.default, (said.default:gsub("`", "")), row.name) end
               local least, most = said.unit:match "([%d.e]+)–([%d.e]+)"
               if is_bounded(row) then
                  assert.equal(row.least, tonumber(least), row.name)
                  assert.equal(row.most, tonumber(most), row.name)
               end
            end
         end)
      end
   end

   it("of a range in `where` are the bounds that the core knows", function()
      local client <close> = topaz.client { api_key = "key" }
      local _, message = pcall(client.statuses, client, { where = { progress = { unknown_bound = 1 } } })
      local bounds = {}
      for name in message:match("expected (.*)$"):gsub(" or ", ", "):gmatch "[^ ,]+" do bounds[#bounds + 1] = name end
      assert.same(bounds, (function()
         local list = {}
         for i, field in ipairs(classes["topaz.Range"].fields) do list[i] = field.name end
         return list
      end)())
   end)

   it("of a live client have these ranges", function()
      local count = 0
      for _, row in ipairs(OPTIONS["topaz.ClientOptions"].rows) do
         local ok, message = pcall(topaz.client, { api_key = "key", [row.name] = is_bounded(row) and -1 or 0 })
         assert.is_false(ok, row.name)
         assert.matches("'" .. row.name .. "': expected an? ?", message)
         if is_bounded(row) then
            count = count + 1
            local least, most = message:match "from (%S+) to (%S+), got"
            assert.equal(row.least, tonumber(least), row.name)
            assert.equal(row.most, tonumber(most), row.name)
         end
      end
      assert.is_true(count >= 10)
   end)
end)
