-- The table of spec/integration/fault_table.lua as a page: what each fault does to each call.
-- The integration tests check every cell.
local faults = {}

local COLUMNS = {
   { "get", "get_status" }, { "page", "get_page" }, { "list", "statuses" }, { "delete", "delete_status" },
   { "all", "delete_all_statuses" },
}

local WORDS = { ok = "done", gone = "true, \"already_gone\"", count_unknown = "true, \"count_unknown\"" }

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- Long names may go on in the next line.
local function breakable(html) return (html:gsub("_", "_<wbr>")) end

-- "network/unknown 3" -> what came of it, and how many requests the server sees;
-- "network/unsent 0 (1)" says as well how often a proxy was asked.
local function outcome(text)
   local what, count, asked = text:match "^(%S+)%s+(%d+)%s*%(?(%d*)%)?$"
   if not what then return escape(text) end
   local kind, known = what:match "^([^/]+)/(.+)$"
   local class = WORDS[what] and "good" or known == "unknown" and "care" or "bad"
   local words = WORDS[what] or kind and ("%s, %s"):format(kind, known) or what
   if asked ~= "" then count = ("%s (%s)"):format(count, asked) end
   return ('<span class="%s">%s</span>&nbsp;<span class="count">×%s</span>'):format(class,
      breakable(escape(words)), count)
end

local function cell(text)
   if type(text) ~= "string" then return "–" end
   local parts = {}
   for part in (text .. " | "):gmatch "(.-) | " do parts[#parts + 1] = outcome(part) end
   return table.concat(parts, "<br>or ")
end

-- Bytes and very long values are not for reading.
local function name_of(row)
   local name = tostring(row.name):gsub("%c", "?")
   return escape(#name > 60 and name:sub(1, 57) .. "…" or name)
end

local function section(out, rows)
   out[#out + 1] = "\n## " .. tostring(rows.title or "") .. "\n"
   out[#out + 1] = '<div class="table"><table class="faults"><tr><th>what goes wrong</th>'
   for _, column in ipairs(COLUMNS) do out[#out + 1] = "<th>" .. breakable(column[2]) .. "</th>" end
   out[#out + 1] = "</tr>"
   for _, row in ipairs(rows) do
      out[#out + 1] = "<tr><td>" .. name_of(row) .. "</td>"
      for _, column in ipairs(COLUMNS) do out[#out + 1] = "<td>" .. cell((row.cells or {})[column[1]]) .. "</td>" end
      out[#out + 1] = "</tr>"
   end
   out[#out + 1] = "</table></div>\n"
end

--- The tables, to stand behind the introduction in spec/guide/what-happens-when.md.
-- @tparam table sections as fault_table.lua returns them
-- @treturn string Markdown with tables in HTML
function faults.page(sections)
   local out = {}
   for _, rows in ipairs(sections) do section(out, rows) end
   return table.concat(out, "\n")
end

return faults
